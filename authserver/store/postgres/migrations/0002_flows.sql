-- What people do: codes, refresh token families, sessions, consents, and what
-- guards them. None of it moves the revision on: it is no registration, and nobody
-- follows it. Times are Unix seconds unless they say otherwise; 0 is "not".

CREATE TABLE codes (
  hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  family_id  TEXT COLLATE "C" NOT NULL,
  subject    TEXT   NOT NULL,
  client_id  TEXT   NOT NULL,
  resource   TEXT   NOT NULL,
  session_id TEXT   NOT NULL,
  expires    BIGINT NOT NULL,
  used       BIGINT NOT NULL DEFAULT 0,
  -- Presented a second time, or what it would have led to was revoked: no family
  -- begins from it any more.
  revoked    BIGINT NOT NULL DEFAULT 0,
  -- When it may go: when it expires, or a day after it was used.
  sweep      BIGINT NOT NULL,
  record     TEXT   NOT NULL
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
  resource   TEXT   NOT NULL,
  session_id TEXT COLLATE "C" NOT NULL,
  record     TEXT   NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX families_subject ON families (subject, client_id);
CREATE INDEX families_client ON families (client_id);
CREATE INDEX families_session ON families (session_id);
CREATE INDEX families_ends ON families (ends_day);

CREATE TABLE sessions (
  id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  hash    TEXT COLLATE "C" NOT NULL UNIQUE,
  subject TEXT COLLATE "C" NOT NULL,
  seen    BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  record  TEXT   NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX sessions_subject ON sessions (subject);
CREATE INDEX sessions_expires ON sessions (expires);

-- A row per scope, so that adding never has to read first.
CREATE TABLE consents (
  subject   TEXT COLLATE "C" NOT NULL,
  client_id TEXT COLLATE "C" NOT NULL,
  resource  TEXT COLLATE "C" NOT NULL,
  scope     TEXT COLLATE "C" NOT NULL,
  granted   BIGINT NOT NULL,
  PRIMARY KEY (subject, client_id, resource, scope)
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
