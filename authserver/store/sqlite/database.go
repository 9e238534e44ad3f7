package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

// database is the file as the roles see it.
type database struct {
	path   string
	write  *sql.DB // one connection
	read   *sql.DB
	writes atomic.Int64
	waiter *sqlstore.Waiter

	condition *sqlstore.Condition
	// space of a directory's filesystem, if it is known.
	space func(dir string) (space, bool)

	// Statements that were compiled once, by their text: compiling costs as much as
	// running them.
	writing, reading map[string]*sql.Stmt
}

func (d *database) prepare(ctx context.Context) (err error) {
	write, read := dialect.Statements()
	if d.writing, err = prepared(ctx, d.write, write); err != nil {
		return err
	}
	d.reading, err = prepared(ctx, d.read, read)
	return err
}

func prepared(ctx context.Context, db *sql.DB, queries []string) (map[string]*sql.Stmt, error) {
	all := make(map[string]*sql.Stmt, len(queries))
	for _, query := range queries {
		stmt, err := db.PrepareContext(ctx, query)
		if err != nil {
			return nil, fmt.Errorf("prepare %q: %w", query, err)
		}
		all[query] = stmt
	}
	return all, nil
}

// Query implements sqlstore.Querier on a reading connection.
func (d *database) Query(ctx context.Context, query string, args []any, each func(sqlstore.Scan) error) error {
	return d.condition.After(sqlstore.Read, read(ctx, d.read, d.reading[query], query, args, each))
}

// Exec implements sqlstore.Tx.
func (d *database) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	n, err := exec(ctx, d.write, d.writing[query], query, args)
	did := sqlstore.Read
	if n > 0 || err != nil {
		did = sqlstore.Wrote
	}
	if n > 0 {
		d.writes.Add(1)
	}
	return n, d.condition.After(did, err)
}

// End implements sqlstore.DB.
func (d *database) End(ctx context.Context, query string, args ...any) (n int64, err error) {
	_, err = d.Durably(ctx, func(tx sqlstore.Tx) error {
		if n, err = tx.Exec(ctx, query, args...); err == nil && n == 0 {
			err = sqlstore.ErrNothing
		}
		return err
	})
	if errors.Is(err, sqlstore.ErrNothing) {
		err = nil
	}
	return n, err
}

// Returning implements sqlstore.DB.
func (d *database) Returning(ctx context.Context, query string, args []any, into ...any) error {
	found := false
	err := read(ctx, d.write, d.writing[query], query, args, func(row sqlstore.Scan) error {
		found = true
		return row(into...)
	})
	if err == nil && !found {
		return store.ErrNotFound
	}
	if err == nil {
		d.writes.Add(1)
	}
	return d.condition.After(sqlstore.Wrote, err)
}

// querier is a database, a connection or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// exec a statement, as it was prepared if it was.
func exec(ctx context.Context, q querier, stmt *sql.Stmt, query string, args []any) (int64, error) {
	var result sql.Result
	var err error
	if stmt != nil {
		result, err = stmt.ExecContext(ctx, args...)
	} else {
		result, err = q.ExecContext(ctx, query, args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// read all rows of a statement, as it was prepared if it was: a statement's
// transaction ends with the last of them.
func read(ctx context.Context, q querier, stmt *sql.Stmt, query string, args []any, each func(sqlstore.Scan) error) error {
	var rows *sql.Rows
	var err error
	if stmt != nil {
		rows, err = stmt.QueryContext(ctx, args...)
	} else {
		rows, err = q.QueryContext(ctx, query, args...)
	}
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err has said it
	for rows.Next() {
		if err := each(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
