-- A client that is gone, or another under its id, takes its consents along.
CREATE INDEX consents_client ON consents (client_id);
