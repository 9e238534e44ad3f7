package store

import "errors"

// ErrOutdated refuses a store that an older version wrote.
var ErrOutdated = errors.New("the database was written by an older clientele and cannot be used: `sub` values of users begin with user/ now, " +
	"and rows are authenticated differently; start with an empty database (a new data directory, or a new PostgreSQL schema). " +
	"The operator then registers all its clients again, with the same ids and secrets. People sign in again, and allow their apps again. " +
	"Apps that registered themselves must register again")

// ErrTooNew refuses a store that a newer version changed in a way that this one does not
// understand.
var ErrTooNew = errors.New("a newer clientele has changed the database, and this one cannot use it any more")
