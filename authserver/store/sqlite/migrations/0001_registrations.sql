-- What the store is: one row.
CREATE TABLE meta (
  one            INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  -- Another store has another id; empty until it is bound.
  store_id       TEXT    NOT NULL DEFAULT '',
  -- The id of the server keys that the hashes and MACs were made with.
  server_keys_id TEXT    NOT NULL DEFAULT '',
  -- Moved on by every change of a client or policy, whoever makes it.
  revision       INTEGER NOT NULL DEFAULT 0,
  -- Deletions are known since this revision.
  floor          INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO meta (one) VALUES (1);

-- The columns are for finding a client; the record is the truth, and mac is made
-- over it. A row whose columns say something else than its record is not served.
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

-- The last 4096 deletions. Who has not read that far reads everything.
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
