-- What people do carries MACs, as registrations do. What is there has none, and is
-- not believed any more: people sign in again.
ALTER TABLE codes ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE families ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN mac TEXT NOT NULL DEFAULT '';
ALTER TABLE consents ADD COLUMN mac TEXT NOT NULL DEFAULT '';
