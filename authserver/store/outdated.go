package store

import "errors"

// ErrOutdated refuses a store that an older version wrote.
var ErrOutdated = errors.New("the database was written by an older version of clientele, whose users had a `sub` with a colon (user:ID; now it is user/ID): " +
	"start with an empty database (a new data directory, or a new PostgreSQL schema). " +
	"The operator then registers all clients again, with their client ids and secrets. People sign in again, and allow their apps again. Apps that registered themselves register again")
