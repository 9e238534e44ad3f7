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
func (d *database) Transact(ctx context.Context, do func(sqlstore.Tx) error) (revision int64, err error) {
	revision, err = d.commit(ctx, d.write, do)
	return revision, d.condition.After(sqlstore.Wrote, err)
}

// Durably implements sqlstore.DB: what is committed is on the disk when it returns,
// and so is what was committed before.
func (d *database) Durably(ctx context.Context, do func(sqlstore.Tx) error) (revision int64, err error) {
	revision, err = d.durably(ctx, do)
	return revision, d.condition.After(sqlstore.Wrote, err)
}

func (d *database) durably(ctx context.Context, do func(sqlstore.Tx) error) (revision int64, err error) {
	conn, err := d.write.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, `PRAGMA synchronous = FULL`); err != nil {
		return 0, err
	}
	defer func() {
		_, back := conn.ExecContext(context.WithoutCancel(ctx), `PRAGMA synchronous = NORMAL`)
		err = errors.Join(err, back)
	}()
	return d.commit(ctx, conn, do)
}

// Snapshot implements sqlstore.DB.
func (d *database) Snapshot(ctx context.Context, do func(sqlstore.Querier) error) error {
	return d.condition.After(sqlstore.Read, d.snapshot(ctx, do))
}

func (d *database) snapshot(ctx context.Context, do func(sqlstore.Querier) error) error {
	tx, err := d.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	return do(transaction{tx, d.reading})
}

// commit what do did in a write transaction. Whoever waits for a change is told.
func (d *database) commit(ctx context.Context, db beginner, do func(sqlstore.Tx) error) (revision int64, err error) {
	begun, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer rollback(begun)
	tx := transaction{begun, d.writing}
	if err := do(tx); err != nil {
		return 0, err
	}
	if revision, err = sqlstore.Revision(ctx, tx); err != nil {
		return 0, err
	}
	if err := begun.Commit(); err != nil {
		return 0, err
	}
	d.writes.Add(1)
	d.waiter.Wake()
	return revision, nil
}

// beginner is a database or one of its connections.
type beginner interface {
	BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error)
}

// rollback what was not committed. Its error says nothing that the error before
// did not.
func rollback(tx *sql.Tx) { _ = tx.Rollback() }
