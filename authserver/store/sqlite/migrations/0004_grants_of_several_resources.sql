-- A grant may be for several resources: they stand in its record, and nobody
-- chooses by them, nor by the session.
DROP INDEX families_session;
ALTER TABLE families DROP COLUMN session_id;
ALTER TABLE families DROP COLUMN resource;
ALTER TABLE codes DROP COLUMN session_id;
ALTER TABLE codes DROP COLUMN resource;
