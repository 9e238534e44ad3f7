-- readable_from: 0001
-- The schema version that the steps so far lead to. PRAGMA user_version, which programs of
-- step 0001 take for that, is the oldest one whose programs can use the file.
-- The table leases is not used any more: programs of step 0001 want it.
CREATE TABLE clientele_schema (
  one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  applied INTEGER NOT NULL
) STRICT;
INSERT INTO clientele_schema (one, applied) VALUES (1, 0);
