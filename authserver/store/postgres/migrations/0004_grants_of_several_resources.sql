-- A grant may be for several resources: they stand in its record, and nobody
-- chooses by them, nor by the session. The index of the session goes with its column.
ALTER TABLE families DROP COLUMN session_id, DROP COLUMN resource;
ALTER TABLE codes DROP COLUMN session_id, DROP COLUMN resource;
