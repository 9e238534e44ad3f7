-- What people do carries MACs, as registrations do. What is there has none, nothing
-- vouches for it, and it goes: people sign in and allow their apps again, once.
DELETE FROM codes;
DELETE FROM families;
DELETE FROM sessions;
DELETE FROM consents;
ALTER TABLE codes ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE families ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE consents ADD COLUMN mac TEXT NOT NULL DEFAULT '';
