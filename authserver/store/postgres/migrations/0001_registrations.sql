-- What the store is: one row. Keys are compared byte by byte (COLLATE "C").
CREATE TABLE meta (
  one            INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (one = 1),
  -- Another store has another id; empty until it is bound.
  store_id       TEXT    NOT NULL DEFAULT '',
  -- The id of the server keys that the hashes and MACs were made with.
  server_keys_id TEXT    NOT NULL DEFAULT '',
  -- Moved on by every change of a client or policy, whoever makes it.
  revision       BIGINT  NOT NULL DEFAULT 0,
  -- Deletions are known since this revision.
  floor          BIGINT  NOT NULL DEFAULT 0,
  -- Which server, on which timeline, keeps this table: another one after a
  -- failover, a point-in-time recovery or a restored dump.
  origin         TEXT    NOT NULL DEFAULT ''
);

-- The columns are for finding a client; the record is the truth, and mac is made
-- over it. A row whose columns say something else than its record is not served.
CREATE TABLE clients (
  client_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  cluster   TEXT COLLATE "C" NOT NULL,
  namespace TEXT COLLATE "C" NOT NULL,
  name      TEXT COLLATE "C" NOT NULL,
  record    TEXT   NOT NULL,
  mac       TEXT   NOT NULL,
  revision  BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX clients_one_per_owner ON clients (cluster, namespace, name) WHERE namespace <> '';
CREATE INDEX clients_revision ON clients (revision);

CREATE TABLE policies (
  uid      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  cluster  TEXT   NOT NULL,
  record   TEXT   NOT NULL,
  mac      TEXT   NOT NULL,
  revision BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX policies_revision ON policies (revision);

-- The last 4096 deletions. Who has not read that far reads everything.
CREATE TABLE deletions (
  seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  revision BIGINT NOT NULL,
  kind     TEXT   NOT NULL CHECK (kind IN ('client', 'policy')),
  id       TEXT COLLATE "C" NOT NULL
);
CREATE INDEX deletions_revision ON deletions (revision);

CREATE TABLE leases (
  replica          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  key_set_revision TEXT   NOT NULL,
  serving_since    BIGINT NOT NULL, -- Unix seconds
  expires          BIGINT NOT NULL  -- Unix seconds
);

-- Triggers rather than the program move the revision on, so that an edit with
-- another tool is noticed too. The row of meta is the lock that puts all changes
-- into one order: a higher revision was committed later. The functions keep the
-- search path of the migration, so that they find their tables whoever fires them.

CREATE FUNCTION row_written() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE meta SET revision = revision + 1 RETURNING revision INTO NEW.revision;
  NEW.revision := coalesce(NEW.revision, 0);
  RETURN NEW;
END $$;
CREATE TRIGGER written BEFORE INSERT OR UPDATE ON clients FOR EACH ROW EXECUTE FUNCTION row_written();
CREATE TRIGGER written BEFORE INSERT OR UPDATE ON policies FOR EACH ROW EXECUTE FUNCTION row_written();

-- The argument is the kind. A row that got another id is gone under its old one.
CREATE FUNCTION row_gone() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  gone TEXT;
BEGIN
  IF TG_ARGV[0] = 'client' THEN gone := OLD.client_id; ELSE gone := OLD.uid; END IF;
  IF TG_OP = 'DELETE' THEN
    UPDATE meta SET revision = revision + 1;
  END IF;
  INSERT INTO deletions (revision, kind, id) SELECT revision, TG_ARGV[0], gone FROM meta;
  RETURN NULL;
END $$;
CREATE TRIGGER deleted AFTER DELETE ON clients FOR EACH ROW EXECUTE FUNCTION row_gone('client');
CREATE TRIGGER renamed AFTER UPDATE ON clients FOR EACH ROW WHEN (OLD.client_id <> NEW.client_id) EXECUTE FUNCTION row_gone('client');
CREATE TRIGGER deleted AFTER DELETE ON policies FOR EACH ROW EXECUTE FUNCTION row_gone('policy');
CREATE TRIGGER renamed AFTER UPDATE ON policies FOR EACH ROW WHEN (OLD.uid <> NEW.uid) EXECUTE FUNCTION row_gone('policy');

-- Nobody can tell what a TRUNCATE took.
CREATE FUNCTION all_gone() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE meta SET revision = revision + 1, floor = revision + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER emptied AFTER TRUNCATE ON clients FOR EACH STATEMENT EXECUTE FUNCTION all_gone();
CREATE TRIGGER emptied AFTER TRUNCATE ON policies FOR EACH STATEMENT EXECUTE FUNCTION all_gone();
CREATE TRIGGER emptied AFTER TRUNCATE ON deletions FOR EACH STATEMENT EXECUTE FUNCTION all_gone();

CREATE FUNCTION deletions_bounded() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  forgotten BIGINT;
BEGIN
  WITH old AS (DELETE FROM deletions WHERE seq <= NEW.seq - 4096 RETURNING revision)
    SELECT max(revision) INTO forgotten FROM old;
  IF forgotten IS NOT NULL THEN
    UPDATE meta SET floor = greatest(floor, forgotten);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER bounded AFTER INSERT ON deletions FOR EACH ROW EXECUTE FUNCTION deletions_bounded();

-- A revision is never given out twice. Who sets it back by hand, restoring the row
-- of a backup, gets a new one, and everybody reads everything.
CREATE FUNCTION meta_only_rises() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.revision < OLD.revision THEN
    NEW.revision := OLD.revision + 1;
    NEW.floor := NEW.revision;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER only_rises BEFORE UPDATE ON meta FOR EACH ROW EXECUTE FUNCTION meta_only_rises();

-- Every replica listens to this.
CREATE FUNCTION meta_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('clientele', '');
  RETURN NULL;
END $$;
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON meta FOR EACH ROW EXECUTE FUNCTION meta_moved();

INSERT INTO meta (one) VALUES (1);
