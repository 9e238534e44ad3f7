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

// transact runs do in a write transaction. When do returns an error nothing is
// changed. Afterwards whoever waits for a change is told.
func (s *Store) transact(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	if err := do(tx); err != nil {
		return err
	}
	var revision int64
	if err := tx.QueryRowContext(ctx, `SELECT coalesce(max(revision), 0) FROM meta`).Scan(&revision); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.writes.Add(1)
	s.committed(revision)
	return nil
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
