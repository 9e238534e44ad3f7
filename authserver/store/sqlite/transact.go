package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"clientele.dev/clientele/authserver/store"
)

// errNothing is what a transaction's function returns when there is nothing to
// commit.
var errNothing = errors.New("nothing to commit")

// transact runs do in a write transaction and returns the revision afterwards.
// When do returns an error nothing is changed. Whoever waits for a change is told.
func (s *Store) transact(ctx context.Context, do func(*sql.Tx) error) (revision int64, err error) {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer rollback(tx)
	if err := do(tx); err != nil {
		return 0, err
	}
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(revision), 0) FROM meta`).Scan(&revision); err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	s.writes.Add(1)
	s.committed(revision)
	return revision, nil
}

// decide runs do in a write transaction of a store that is bound. do returns
// errNothing when nothing is to be changed; the revision is then the present one.
func (s *Store) decide(ctx context.Context, do func(*sql.Tx) error) (int64, error) {
	var is meta
	revision, err := s.transact(ctx, func(tx *sql.Tx) (err error) {
		if is, err = bound(ctx, tx); err != nil {
			return err
		}
		return do(tx)
	})
	if errors.Is(err, errNothing) {
		return is.revision, nil
	}
	return revision, err
}

// rollback what was not committed. Its error says nothing that the error before
// did not.
func rollback(tx *sql.Tx) { _ = tx.Rollback() }

// committed wakes whoever waits for another revision.
func (s *Store) committed(revision int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if revision == s.revision || s.closed {
		return
	}
	s.revision = revision
	close(s.moved)
	s.moved = make(chan struct{})
}

// bound reads what the store is, and refuses one that is not bound.
func bound(ctx context.Context, tx *sql.Tx) (meta, error) {
	var m meta
	err := tx.QueryRowContext(ctx, `SELECT store_id, revision, floor FROM meta`).Scan(&m.storeID, &m.revision, &m.floor)
	if errors.Is(err, sql.ErrNoRows) || err == nil && m.storeID == "" {
		return meta{}, store.ErrNotBound
	}
	return m, err
}

type meta struct {
	storeID  string
	revision int64
	floor    int64
}
