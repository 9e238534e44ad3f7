-- People are looked up by user name: as store.FoldUsername gives it, '' if they have none.
-- There is no session to fill it in for: step 7 removed what was there.
ALTER TABLE sessions ADD COLUMN username TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_username ON sessions (username);
