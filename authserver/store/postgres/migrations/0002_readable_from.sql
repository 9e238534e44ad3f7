-- readable_from: 0001
-- The schema version that the steps so far lead to. The column version, which programs of
-- step 0001 take for that, is the oldest one whose programs can use the database.
ALTER TABLE clientele_schema ADD COLUMN applied INTEGER NOT NULL DEFAULT 0;

-- What each replica is, for registrars. '' and 0: a program of step 0001.
ALTER TABLE leases ADD COLUMN version TEXT NOT NULL DEFAULT '', ADD COLUMN protocol INTEGER NOT NULL DEFAULT 0;
