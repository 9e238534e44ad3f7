-- How often somebody was signed out of everything, and when last (Unix seconds). What
-- people began carries how often it was then, and is over when it is another number now. What
-- is there does not tell, and some of it has no MAC: people sign in and allow their apps
-- again, once.
DELETE FROM codes;
DELETE FROM families;
DELETE FROM sessions;
DELETE FROM consents;
CREATE TABLE signouts (
  subject TEXT    NOT NULL PRIMARY KEY,
  count   INTEGER NOT NULL,
  at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
