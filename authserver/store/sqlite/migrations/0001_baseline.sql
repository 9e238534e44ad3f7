-- What the store is: one row.
CREATE TABLE meta (
  one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  -- Another store has another id; empty until it is bound.
  store_id       TEXT    NOT NULL DEFAULT '',
  -- The id of the server keys that the hashes and MACs were made with.
  server_keys_id TEXT    NOT NULL DEFAULT '',
  -- Raised by every change of a client or policy, also by hand.
  revision       INTEGER NOT NULL DEFAULT 0,
  -- Deletions are known since this revision.
  floor          INTEGER NOT NULL DEFAULT 0,
  -- 1: a registrar has registered everything that belongs here. A new store begins with 0.
  complete       INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO meta (one) VALUES (1);

-- The columns are for finding a row; the record has the content. mac authenticates the
-- record and the columns that say which row it is.
CREATE TABLE clients (
  client_id TEXT    NOT NULL PRIMARY KEY,
  cluster   TEXT    NOT NULL,
  namespace TEXT    NOT NULL,
  name      TEXT    NOT NULL,
  record    TEXT    NOT NULL,
  mac       TEXT    NOT NULL,
  revision  INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX clients_owner ON clients (cluster, namespace, name);
CREATE INDEX clients_revision ON clients (revision);

CREATE TABLE policies (
  uid      TEXT    NOT NULL PRIMARY KEY,
  cluster  TEXT    NOT NULL,
  record   TEXT    NOT NULL,
  mac      TEXT    NOT NULL,
  revision INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX policies_revision ON policies (revision);

-- The last 4096 deletions. A reader that is further behind reads everything.
CREATE TABLE deletions (
  seq      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  revision INTEGER NOT NULL,
  kind     TEXT    NOT NULL CHECK (kind IN ('client', 'policy')),
  id       TEXT    NOT NULL
) STRICT;
CREATE INDEX deletions_revision ON deletions (revision);

CREATE TABLE leases (
  replica          TEXT    NOT NULL PRIMARY KEY,
  key_set_revision TEXT    NOT NULL,
  serving_since    INTEGER NOT NULL, -- Unix seconds
  expires          INTEGER NOT NULL  -- Unix seconds
) STRICT;

-- Triggers rather than the program move the revision on, so that an edit with
-- another tool is noticed within the second. They watch every column but
-- revision, which they write themselves.

CREATE TRIGGER clients_inserted AFTER INSERT ON clients BEGIN
  UPDATE meta SET revision = revision + 1;
  UPDATE clients SET revision = (SELECT revision FROM meta) WHERE client_id = NEW.client_id;
END;
CREATE TRIGGER clients_updated AFTER UPDATE OF client_id, cluster, namespace, name, record, mac ON clients BEGIN
  UPDATE meta SET revision = revision + 1;
  UPDATE clients SET revision = (SELECT revision FROM meta) WHERE client_id = NEW.client_id;
  INSERT INTO deletions (revision, kind, id)
    SELECT revision, 'client', OLD.client_id FROM meta WHERE OLD.client_id <> NEW.client_id;
END;
CREATE TRIGGER clients_deleted AFTER DELETE ON clients BEGIN
  UPDATE meta SET revision = revision + 1;
  INSERT INTO deletions (revision, kind, id) SELECT revision, 'client', OLD.client_id FROM meta;
END;

CREATE TRIGGER policies_inserted AFTER INSERT ON policies BEGIN
  UPDATE meta SET revision = revision + 1;
  UPDATE policies SET revision = (SELECT revision FROM meta) WHERE uid = NEW.uid;
END;
CREATE TRIGGER policies_updated AFTER UPDATE OF uid, cluster, record, mac ON policies BEGIN
  UPDATE meta SET revision = revision + 1;
  UPDATE policies SET revision = (SELECT revision FROM meta) WHERE uid = NEW.uid;
  INSERT INTO deletions (revision, kind, id)
    SELECT revision, 'policy', OLD.uid FROM meta WHERE OLD.uid <> NEW.uid;
END;
CREATE TRIGGER policies_deleted AFTER DELETE ON policies BEGIN
  UPDATE meta SET revision = revision + 1;
  INSERT INTO deletions (revision, kind, id) SELECT revision, 'policy', OLD.uid FROM meta;
END;

CREATE TRIGGER deletions_bounded AFTER INSERT ON deletions BEGIN
  UPDATE meta SET floor = max(floor, coalesce((SELECT revision FROM deletions WHERE seq = NEW.seq - 4096), 0));
  DELETE FROM deletions WHERE seq <= NEW.seq - 4096;
END;

-- One client per owner. Not a UNIQUE index, because INSERT OR REPLACE would then
-- take the owner's other client away without a trace in deletions.
CREATE TRIGGER clients_one_per_owner_insert BEFORE INSERT ON clients
WHEN NEW.namespace <> '' AND EXISTS (
  SELECT 1 FROM clients
  WHERE cluster = NEW.cluster AND namespace = NEW.namespace AND name = NEW.name AND client_id <> NEW.client_id)
BEGIN
  SELECT RAISE(ABORT, 'this owner has another client already: delete that one first');
END;
CREATE TRIGGER clients_one_per_owner_update BEFORE UPDATE OF client_id, cluster, namespace, name ON clients
WHEN NEW.namespace <> '' AND EXISTS (
  SELECT 1 FROM clients
  WHERE cluster = NEW.cluster AND namespace = NEW.namespace AND name = NEW.name
    AND client_id NOT IN (NEW.client_id, OLD.client_id))
BEGIN
  SELECT RAISE(ABORT, 'this owner has another client already: delete that one first');
END;

-- Codes, refresh token families, sessions, consents, and their limits. They do not
-- raise the revision. Times are Unix seconds unless stated otherwise; 0 is "not".

CREATE TABLE codes (
  hash       TEXT    NOT NULL PRIMARY KEY,
  family_id  TEXT    NOT NULL,
  subject    TEXT    NOT NULL,
  client_id  TEXT    NOT NULL,
  expires    INTEGER NOT NULL,
  used       INTEGER NOT NULL DEFAULT 0,
  -- Presented a second time, or what it would have led to was revoked: no family
  -- begins from it any more.
  revoked    INTEGER NOT NULL DEFAULT 0,
  -- When it may go: when it expires, or a day after it was used.
  sweep      INTEGER NOT NULL,
  record     TEXT    NOT NULL,
  mac        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_family ON codes (family_id);
CREATE INDEX codes_expires ON codes (expires);
CREATE INDEX codes_sweep ON codes (sweep);

-- One row per family, however often it is refreshed.
CREATE TABLE families (
  id         TEXT    NOT NULL PRIMARY KEY,
  generation INTEGER NOT NULL,
  revoked    INTEGER NOT NULL DEFAULT 0,
  -- The earliest of its absolute end, its idle end and its revocation.
  ends       INTEGER NOT NULL,
  subject    TEXT    NOT NULL,
  client_id  TEXT    NOT NULL,
  record     TEXT    NOT NULL,
  mac        TEXT    NOT NULL
) STRICT;
CREATE INDEX families_subject ON families (subject, client_id);
CREATE INDEX families_client ON families (client_id);
CREATE INDEX families_ends ON families (ends);

CREATE TABLE sessions (
  id       TEXT    NOT NULL PRIMARY KEY,
  hash     TEXT    NOT NULL UNIQUE,
  subject  TEXT    NOT NULL,
  -- As store.FoldUsername gives it; empty: none.
  username TEXT    NOT NULL,
  seen     INTEGER NOT NULL,
  expires  INTEGER NOT NULL,
  record   TEXT    NOT NULL,
  mac      TEXT    NOT NULL
) STRICT;
CREATE INDEX sessions_subject ON sessions (subject);
CREATE INDEX sessions_username ON sessions (username);
CREATE INDEX sessions_expires ON sessions (expires);

-- A row per scope. place is where the consent holds ('': everywhere); promise is a hash
-- of what the consent page showed of the client.
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

-- After a withdrawal the person is asked again, also for a trusted client.
CREATE TABLE withdrawals (
  client_id TEXT    NOT NULL,
  subject   TEXT    NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (client_id, subject)
) STRICT, WITHOUT ROWID;

-- The user's epoch: how often the user was signed out of everything, and when last. A
-- record with another epoch is invalid. mark is the event of the last sign-out that all
-- replicas carry out.
CREATE TABLE signouts (
  subject TEXT    NOT NULL PRIMARY KEY,
  count   INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  mark    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
  key     TEXT    NOT NULL PRIMARY KEY,
  count   INTEGER NOT NULL,
  expires INTEGER NOT NULL -- Unix milliseconds
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_expires ON attempts (expires);

CREATE TABLE pushed_requests (
  hash       TEXT    NOT NULL PRIMARY KEY,
  client_id  TEXT    NOT NULL,
  parameters TEXT    NOT NULL,
  expires    INTEGER NOT NULL
) STRICT;
CREATE INDEX pushed_requests_expires ON pushed_requests (expires);

CREATE TABLE revoked_tokens (
  jti     TEXT    NOT NULL PRIMARY KEY,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_tokens_expires ON revoked_tokens (expires);
