package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"clientele.dev/clientele/authserver/store"
)

// errNothing is what a transaction's function returns when there is nothing to
// commit.
var errNothing = errors.New("nothing to commit")

// tries is how often a statement or transaction is tried in all.
const tries = 4

// retry do while the database says that it was in somebody's way, or while it
// cannot have heard of it: a connection of the pool may have broken unnoticed.
func retry(do func() error) error {
	for try := 1; ; try++ {
		err := do()
		code := state(err)
		again := code == serializationFailure || code == deadlockDetected || err != nil && pgconn.SafeToRetry(err)
		if !again || try == tries {
			return err
		}
	}
}

// transact runs do in a write transaction. When do returns an error nothing is
// changed. do may run more than once.
func (s *Store) transact(ctx context.Context, do func(pgx.Tx) error) error {
	err := retry(func() error { return s.once(ctx, do) })
	if err == nil {
		s.writes.Add(1)
	}
	return err
}

func (s *Store) once(ctx context.Context, do func(pgx.Tx) error) error {
	tx, err := s.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer rollback(ctx, tx)
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// rollback what was not committed, also for a caller that went away. Its error
// says nothing that the error before did not.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = tx.Rollback(ctx)
}

// decide runs do in a write transaction of a store that is bound, and holds the
// lock of all such changes meanwhile. do returns errNothing when nothing is to be
// changed. It returns the revision afterwards.
func (s *Store) decide(ctx context.Context, do func(pgx.Tx) error) (revision int64, err error) {
	var is meta
	err = s.transact(ctx, func(tx pgx.Tx) (err error) {
		if is, err = bound(ctx, tx, ` FOR UPDATE`); err != nil {
			return err
		}
		if err := do(tx); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT coalesce(max(revision), 0) FROM meta`).Scan(&revision)
	})
	if errors.Is(err, errNothing) {
		return is.revision, nil
	}
	return revision, err
}

// bound reads what the store is, and refuses one that is not bound.
func bound(ctx context.Context, tx pgx.Tx, lock string) (meta, error) {
	var m meta
	err := tx.QueryRow(ctx, `SELECT store_id, revision, floor FROM meta`+lock).Scan(&m.storeID, &m.revision, &m.floor)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && m.storeID == "" {
		return meta{}, store.ErrNotBound
	}
	return m, err
}

type meta struct {
	storeID  string
	revision int64
	floor    int64
}

// exec a writing statement, a transaction by itself, and say how many rows it
// touched.
func (s *Store) exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = retry(func() error {
		tag, err := s.pool.Exec(ctx, query, args...)
		n = tag.RowsAffected()
		return err
	})
	if err == nil && n > 0 {
		s.writes.Add(1)
	}
	return n, err
}

// returning is exec of a statement that returns the row it touched, if there is
// one; store.ErrNotFound if not.
func (s *Store) returning(ctx context.Context, query string, args []any, into ...any) error {
	err := retry(func() error { return s.pool.QueryRow(ctx, query, args...).Scan(into...) })
	if errors.Is(err, pgx.ErrNoRows) {
		return store.ErrNotFound
	}
	if err == nil {
		s.writes.Add(1)
	}
	return err
}

// querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

// list what a reading statement finds.
func list[T any](ctx context.Context, q querier, scan pgx.RowToFunc[T], query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.AppendRows([]T(nil), rows, scan)
}

// one is list where at most one row is expected: store.ErrNotFound if there is
// none.
func one[T any](ctx context.Context, q querier, scan pgx.RowToFunc[T], query string, args ...any) (T, error) {
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
