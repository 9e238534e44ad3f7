-- Who took an app's access away is asked about it from then on, trusted or not. at is
-- in Unix seconds. The key begins with the client, whose end takes these along.
CREATE TABLE withdrawals (
  client_id TEXT COLLATE "C" NOT NULL,
  subject   TEXT COLLATE "C" NOT NULL,
  at        BIGINT NOT NULL,
  PRIMARY KEY (client_id, subject)
);
