-- What the store is: one row. Keys are compared byte by byte (COLLATE "C").
CREATE TABLE meta (
  one            INTEGER NOT NULL PRIMARY KEY DEFAULT 1 CHECK (one = 1),
  -- Another store has another id; empty until it is bound.
  store_id       TEXT    NOT NULL DEFAULT '',
  -- The id of the server keys that the hashes and MACs were made with.
  server_keys_id TEXT    NOT NULL DEFAULT '',
  -- Raised by every change of a client or policy, also by hand.
  revision       BIGINT  NOT NULL DEFAULT 0,
  -- Deletions are known since this revision.
  floor          BIGINT  NOT NULL DEFAULT 0,
  -- 1: a registrar has registered everything that belongs here. A new store begins with 0.
  complete       BIGINT  NOT NULL DEFAULT 0,
  -- The cluster, timeline and table: another one after a fail-over, a point-in-time
  -- recovery or a restored dump.
  origin         TEXT    NOT NULL DEFAULT ''
);

-- The columns are for finding a row; the record has the content. mac authenticates the
-- record and the columns that say which row it is.
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

-- The last 4096 deletions. A reader that is further behind reads everything.
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
-- search path of the migration, so that they find their tables for every role.

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

-- What a TRUNCATE removed is unknown.
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

-- A revision is never given out twice. If it is set back by hand, as by restoring the
-- row of a backup, it gets a new value, and all replicas read everything.
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

-- Codes, refresh token families, sessions, consents, and their limits. They do not
-- raise the revision. Times are Unix seconds unless stated otherwise; 0 is "not".

CREATE TABLE codes (
  hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  family_id  TEXT COLLATE "C" NOT NULL,
  subject    TEXT COLLATE "C" NOT NULL,
  client_id  TEXT   NOT NULL,
  expires    BIGINT NOT NULL,
  used       BIGINT NOT NULL DEFAULT 0,
  -- Presented a second time, or what it would have led to was revoked: no family
  -- begins from it any more.
  revoked    BIGINT NOT NULL DEFAULT 0,
  -- When it may go: when it expires, or a day after it was used.
  sweep      BIGINT NOT NULL,
  record     TEXT   NOT NULL,
  mac        TEXT   NOT NULL
);
CREATE INDEX codes_family ON codes (family_id);
CREATE INDEX codes_expires ON codes (expires);
CREATE INDEX codes_sweep ON codes (sweep);

-- One row per family, however often it is refreshed. Half of each page is left for
-- the next version of its rows.
CREATE TABLE families (
  id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  generation BIGINT NOT NULL,
  revoked    BIGINT NOT NULL DEFAULT 0,
  -- The earliest of its absolute end, its idle end and its revocation. Not indexed
  -- as it is: each refresh moves it, and an update that touches an index costs an
  -- entry in every one. By the day, most refreshes leave the index alone.
  ends       BIGINT NOT NULL,
  ends_day   BIGINT GENERATED ALWAYS AS (ends / 86400) STORED,
  subject    TEXT COLLATE "C" NOT NULL,
  client_id  TEXT COLLATE "C" NOT NULL,
  record     TEXT   NOT NULL,
  mac        TEXT   NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX families_subject ON families (subject, client_id);
CREATE INDEX families_client ON families (client_id);
CREATE INDEX families_ends ON families (ends_day);

CREATE TABLE sessions (
  id       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  hash     TEXT COLLATE "C" NOT NULL UNIQUE,
  subject  TEXT COLLATE "C" NOT NULL,
  -- As store.FoldUsername gives it; empty: none.
  username TEXT COLLATE "C" NOT NULL,
  seen     BIGINT NOT NULL,
  expires  BIGINT NOT NULL,
  record   TEXT   NOT NULL,
  mac      TEXT   NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX sessions_subject ON sessions (subject);
CREATE INDEX sessions_username ON sessions (username);
CREATE INDEX sessions_expires ON sessions (expires);

-- A row per scope. place is where the consent holds ('': everywhere); promise is a hash
-- of what the consent page showed of the client.
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

-- After a withdrawal the person is asked again, also for a trusted client.
CREATE TABLE withdrawals (
  client_id TEXT COLLATE "C" NOT NULL,
  subject   TEXT COLLATE "C" NOT NULL,
  at        BIGINT NOT NULL,
  PRIMARY KEY (client_id, subject)
);

-- The user's epoch: how often the user was signed out of everything, and when last. A
-- record with another epoch is invalid. mark is the event of the last sign-out that all
-- replicas carry out.
CREATE TABLE signouts (
  subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  count   BIGINT NOT NULL,
  at      BIGINT NOT NULL,
  mark    TEXT COLLATE "C" NOT NULL
);

CREATE TABLE attempts (
  key     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  count   INTEGER NOT NULL,
  expires BIGINT  NOT NULL -- Unix milliseconds
) WITH (fillfactor = 70);
CREATE INDEX attempts_expires ON attempts (expires);

CREATE TABLE pushed_requests (
  hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  client_id  TEXT   NOT NULL,
  parameters TEXT   NOT NULL,
  expires    BIGINT NOT NULL
);
CREATE INDEX pushed_requests_expires ON pushed_requests (expires);

CREATE TABLE revoked_tokens (
  jti     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  expires BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_expires ON revoked_tokens (expires);
