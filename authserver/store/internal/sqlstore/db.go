package sqlstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// ErrNothing is what a transaction's function returns when there is nothing to
// commit.
var ErrNothing = errors.New("nothing to commit")

// Scan reads the columns of a row.
type Scan = func(into ...any) error

// Querier reads.
type Querier interface {
	// Query calls each for every row that it finds.
	Query(ctx context.Context, query string, args []any, each func(Scan) error) error
}

// Tx is a transaction.
type Tx interface {
	Querier
	// Exec a statement and say how many rows it touched.
	Exec(ctx context.Context, query string, args ...any) (int64, error)
}

// DB is a database as its dialect gives it. Query and Exec are transactions by
// themselves.
type DB interface {
	Tx
	// End is Exec of what must not come back after a power loss.
	End(ctx context.Context, query string, args ...any) (int64, error)
	// Returning is Exec of a statement that returns the row it touched, if there is
	// one; store.ErrNotFound if not.
	Returning(ctx context.Context, query string, args []any, into ...any) error
	// Transact runs do in a write transaction and returns the revision afterwards.
	// When do returns an error nothing is changed. do may run more than once.
	Transact(ctx context.Context, do func(Tx) error) (revision int64, err error)
	// Durably is Transact of what must not come back after a power loss.
	Durably(ctx context.Context, do func(Tx) error) (revision int64, err error)
	// Snapshot runs do in a reading transaction: all that it reads is of one moment.
	Snapshot(ctx context.Context, do func(Querier) error) error
}

// Dialect is what a database wants said in its own words.
type Dialect struct {
	// LockMeta is appended to the reading of meta that begins a change of a client or
	// policy, so that such changes happen one after the other. Empty: they do anyway.
	LockMeta string
	// LockBinding is a statement before the binding is read. Empty: none.
	LockBinding string
	// LookFirst: a writing statement waits for all others also where it finds nothing
	// to write. Whoever makes up codes must not hold up those who bring good ones.
	LookFirst bool
	// PutFamily inserts a family (arguments as in Roles.PutFamily) unless its code
	// was revoked.
	PutFamily string
	// InsertConsent inserts a row for each pair of scope and MAC in $4, a JSON array:
	// subject, client, resource, pairs, time, place, promise. What happens to a scope that is there
	// follows it.
	InsertConsent string
	// RevokeCodes at $1, those that expire after $2, led to no family yet, and fulfil
	// the further conditions (each beginning with AND).
	RevokeCodes func(conditions string) string
	// RevokeFamilies at $1 that are not revoked yet and fulfil the conditions.
	RevokeFamilies func(conditions string) string
	// SweptFamilies says which families ended more than a day before $1, in Unix
	// seconds, and in which order they go.
	SweptFamilies Past
	// LockSwept is appended to the choice of what is swept.
	LockSwept string
}

// Roles are all roles of package store that are statements. Make it with New.
type Roles struct {
	db      DB
	dialect Dialect
	now     func() time.Time
	signing *signing
}

// New makes the roles of a database. Its schema is up to date.
func New(db DB, d Dialect, now func() time.Time) *Roles {
	return &Roles{db: db, dialect: d, now: now, signing: unsigned()}
}

// errLeftOut is what scan returns for a row that does not count.
var errLeftOut = errors.New("this row does not count")

// list what a statement finds, without rows that do not count or are not authentic.
func list[T any](ctx context.Context, q Querier, scan func(Scan) (T, error), query string, args ...any) ([]T, error) {
	var found []T
	err := q.Query(ctx, query, args, func(row Scan) error {
		one, err := scan(row)
		switch {
		case err == nil:
			found = append(found, one)
		case errors.Is(err, errLeftOut), errors.Is(err, errForged):
			return nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return slices.Clip(found), nil
}

// one is list where at most one row is expected: store.ErrNotFound if there is
// none.
func one[T any](ctx context.Context, q Querier, scan func(Scan) (T, error), query string, args ...any) (T, error) {
	found, err := list(ctx, q, scan, query, args...)
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return found[0], nil
}

// look whether there is something to take, if looking is cheaper: store.ErrNotFound
// if there is not.
func (r *Roles) look(ctx context.Context, query string, args ...any) error {
	if !r.dialect.LookFirst {
		return nil
	}
	_, err := one(ctx, r.db, integer, query, args...)
	return err
}

// first of what was listed; nil if there is none.
func first[T any](found []T, err error) (*T, error) {
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// integer scans a row of one number.
func integer(row Scan) (n int64, err error) {
	err = row(&n)
	return n, err
}

// seconds since 1970; 0 for the zero time.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
