-- What people do: codes, refresh token families, sessions, consents, and what
-- guards them. None of it moves the revision on: it is no registration, and nobody
-- follows it. Times are Unix seconds unless they say otherwise; 0 is "not".

CREATE TABLE codes (
  hash       TEXT    NOT NULL PRIMARY KEY,
  family_id  TEXT    NOT NULL,
  subject    TEXT    NOT NULL,
  client_id  TEXT    NOT NULL,
  resource   TEXT    NOT NULL,
  session_id TEXT    NOT NULL,
  expires    INTEGER NOT NULL,
  used       INTEGER NOT NULL DEFAULT 0,
  -- Presented a second time, or what it would have led to was revoked: no family
  -- begins from it any more.
  revoked    INTEGER NOT NULL DEFAULT 0,
  -- When it may go: when it expires, or a day after it was used.
  sweep      INTEGER NOT NULL,
  record     TEXT    NOT NULL
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
  resource   TEXT    NOT NULL,
  session_id TEXT    NOT NULL,
  record     TEXT    NOT NULL
) STRICT;
CREATE INDEX families_subject ON families (subject, client_id);
CREATE INDEX families_client ON families (client_id);
CREATE INDEX families_session ON families (session_id);
CREATE INDEX families_ends ON families (ends);

CREATE TABLE sessions (
  id      TEXT    NOT NULL PRIMARY KEY,
  hash    TEXT    NOT NULL UNIQUE,
  subject TEXT    NOT NULL,
  seen    INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  record  TEXT    NOT NULL
) STRICT;
CREATE INDEX sessions_subject ON sessions (subject);
CREATE INDEX sessions_expires ON sessions (expires);

-- A row per scope, so that adding never has to read first.
CREATE TABLE consents (
  subject   TEXT    NOT NULL,
  client_id TEXT    NOT NULL,
  resource  TEXT    NOT NULL,
  scope     TEXT    NOT NULL,
  granted   INTEGER NOT NULL,
  PRIMARY KEY (subject, client_id, resource, scope)
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
