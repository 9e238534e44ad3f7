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
	err = s.commit(ctx, s.write, func(tx *sql.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT coalesce(max(revision), 0) FROM meta`).Scan(&revision)
	})
	if err != nil {
		return 0, err
	}
	s.committed(revision)
	return revision, nil
}

// durably is a write transaction that is on the disk when it returns, for what
// must not come back after a power loss: the end of a session, a revocation. It
// takes what was committed before along.
func (s *Store) durably(ctx context.Context, do func(*sql.Tx) error) (err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, `PRAGMA synchronous = FULL`); err != nil {
		return err
	}
	defer func() {
		_, back := conn.ExecContext(context.WithoutCancel(ctx), `PRAGMA synchronous = NORMAL`)
		err = errors.Join(err, back)
	}()
	return s.commit(ctx, conn, do)
}

// commit what do did in a write transaction.
func (s *Store) commit(ctx context.Context, db beginner, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.writes.Add(1)
	return nil
}

// beginner is a database or one of its connections.
type beginner interface {
	BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error)
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
