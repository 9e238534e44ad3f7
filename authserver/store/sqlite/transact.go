package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

// transaction is a sqlstore.Tx.
type transaction struct {
	*sql.Tx
	prepared map[string]*sql.Stmt
}

func (t transaction) stmt(ctx context.Context, query string) *sql.Stmt {
	if stmt := t.prepared[query]; stmt != nil {
		return t.StmtContext(ctx, stmt)
	}
	return nil
}

// Exec implements sqlstore.Tx.
func (t transaction) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	return exec(ctx, t.Tx, t.stmt(ctx, query), query, args)
}

// Query implements sqlstore.Querier.
func (t transaction) Query(ctx context.Context, query string, args []any, each func(sqlstore.Scan) error) error {
	return read(ctx, t.Tx, t.stmt(ctx, query), query, args, each)
}

// Transact implements sqlstore.DB. Writers exclude each other, so do runs once.
// Whoever waits for a change is told.
func (d *database) Transact(ctx context.Context, do func(sqlstore.Tx) error) (revision int64, err error) {
	err = d.commit(ctx, d.write, func(tx sqlstore.Tx) error {
		if err := do(tx); err != nil {
			return err
		}
		revision, err = sqlstore.Revision(ctx, tx)
		return err
	})
	if err != nil {
		return 0, err
	}
	d.waiter.Wake()
	return revision, nil
}

// Durably implements sqlstore.DB: what is committed is on the disk when it returns,
// and so is what was committed before.
func (d *database) Durably(ctx context.Context, do func(sqlstore.Tx) error) (err error) {
	conn, err := d.write.Conn(ctx)
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
	return d.commit(ctx, conn, do)
}

// Snapshot implements sqlstore.DB.
func (d *database) Snapshot(ctx context.Context, do func(sqlstore.Querier) error) error {
	tx, err := d.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	return do(transaction{tx, d.reading})
}

// commit what do did in a write transaction.
func (d *database) commit(ctx context.Context, db beginner, do func(sqlstore.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	if err := do(transaction{tx, d.writing}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	d.writes.Add(1)
	return nil
}

// beginner is a database or one of its connections.
type beginner interface {
	BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error)
}

// rollback what was not committed. Its error says nothing that the error before
// did not.
func rollback(tx *sql.Tx) { _ = tx.Rollback() }
