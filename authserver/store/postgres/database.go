package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

// database is the pool as the roles see it. The driver prepares each statement
// once per connection.
type database struct {
	pool      *pgxpool.Pool
	writes    atomic.Int64
	condition *sqlstore.Condition
}

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

// Query implements sqlstore.Querier. No text that is stored is one that cannot be:
// who asks for such a one finds nothing.
func (d *database) Query(ctx context.Context, query string, args []any, each func(sqlstore.Scan) error) error {
	err := read(ctx, d.pool, query, args, each)
	if state(err) == notInRepertoire {
		return nil
	}
	return d.condition.After(sqlstore.Read, err)
}

// Exec implements sqlstore.Tx.
func (d *database) Exec(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = retry(func() error {
		tag, err := d.pool.Exec(ctx, query, args...)
		n = tag.RowsAffected()
		return err
	})
	did := sqlstore.Read
	if n > 0 || err != nil {
		did = sqlstore.Wrote
	}
	if err == nil && n > 0 {
		d.writes.Add(1)
	}
	return n, d.condition.After(did, err)
}

// End implements sqlstore.DB: a commit is as durable as the server is told to make
// it.
func (d *database) End(ctx context.Context, query string, args ...any) (int64, error) {
	return d.Exec(ctx, query, args...)
}

// Returning implements sqlstore.DB.
func (d *database) Returning(ctx context.Context, query string, args []any, into ...any) error {
	err := retry(func() error { return d.pool.QueryRow(ctx, query, args...).Scan(into...) })
	if errors.Is(err, pgx.ErrNoRows) {
		return store.ErrNotFound
	}
	if err == nil {
		d.writes.Add(1)
	}
	return d.condition.After(sqlstore.Wrote, err)
}

// Transact implements sqlstore.DB.
func (d *database) Transact(ctx context.Context, do func(sqlstore.Tx) error) (revision int64, err error) {
	err = retry(func() error {
		return d.once(ctx, pgx.TxOptions{}, func(tx sqlstore.Tx) (err error) {
			if err := do(tx); err != nil {
				return err
			}
			revision, err = sqlstore.Revision(ctx, tx)
			return err
		})
	})
	if err = d.condition.After(sqlstore.Wrote, err); err != nil {
		return 0, err
	}
	d.writes.Add(1)
	return revision, nil
}

// Durably implements sqlstore.DB: see End.
func (d *database) Durably(ctx context.Context, do func(sqlstore.Tx) error) (revision int64, err error) {
	return d.Transact(ctx, do)
}

// Snapshot implements sqlstore.DB.
func (d *database) Snapshot(ctx context.Context, do func(sqlstore.Querier) error) error {
	o := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	return d.condition.After(sqlstore.Read, d.once(ctx, o, func(tx sqlstore.Tx) error { return do(tx) }))
}

func (d *database) once(ctx context.Context, o pgx.TxOptions, do func(sqlstore.Tx) error) error {
	tx, err := d.pool.BeginTx(ctx, o)
	if err != nil {
		return err
	}
	defer rollback(ctx, tx)
	if err := do(transaction{tx}); err != nil {
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

// transaction is a sqlstore.Tx.
type transaction struct{ tx pgx.Tx }

// Exec implements sqlstore.Tx.
func (t transaction) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.tx.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

// Query implements sqlstore.Querier.
func (t transaction) Query(ctx context.Context, query string, args []any, each func(sqlstore.Scan) error) error {
	return read(ctx, t.tx, query, args, each)
}

// querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
}

func read(ctx context.Context, q querier, query string, args []any, each func(sqlstore.Scan) error) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
