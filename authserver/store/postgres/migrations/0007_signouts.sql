-- How often somebody was signed out of everything, and when last (Unix seconds). What
-- people began carries how often it was then, and is over when it is another number now. What
-- is there does not tell, and some of it has no MAC: people sign in and allow their apps
-- again, once.
DELETE FROM codes;
DELETE FROM families;
DELETE FROM sessions;
DELETE FROM consents;
CREATE TABLE signouts (
  subject TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  count   BIGINT NOT NULL,
  at      BIGINT NOT NULL
);
-- As in the other tables: subjects of two collations cannot be compared.
ALTER TABLE codes ALTER COLUMN subject TYPE TEXT COLLATE "C";
