-- A consent to a client that registered itself holds at one place ('': everywhere), and
-- while the client is what the page promised (a hash). What is there tells neither: people
-- are asked again.
DROP TABLE consents;
CREATE TABLE consents (
  subject   TEXT    NOT NULL,
  client_id TEXT    NOT NULL,
  resource  TEXT    NOT NULL,
  place     TEXT    NOT NULL,
  scope     TEXT    NOT NULL,
  promise   TEXT    NOT NULL,
  granted   INTEGER NOT NULL,
  mac       TEXT    NOT NULL,
  PRIMARY KEY (subject, client_id, resource, place, scope)
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_client ON consents (client_id);
