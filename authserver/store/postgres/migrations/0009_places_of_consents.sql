-- A consent to a client that registered itself holds at one place ('': everywhere), and
-- while the client is what the page promised (a hash). What is there tells neither: people
-- are asked again.
DROP TABLE consents;
CREATE TABLE consents (
  subject   TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  resource  TEXT COLLATE "C" NOT NULL,
  place     TEXT COLLATE "C" NOT NULL,
  scope     TEXT COLLATE "C" NOT NULL,
  promise   TEXT COLLATE "C" NOT NULL,
  granted   BIGINT NOT NULL,
  mac       TEXT NOT NULL,
  PRIMARY KEY (subject, client_id, resource, place, scope)
);
CREATE INDEX consents_client ON consents (client_id);
