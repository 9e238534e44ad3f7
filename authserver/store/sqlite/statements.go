package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"clientele.dev/clientele/authserver/store"
)

// statements of the hot paths, compiled once: compiling costs as much as running
// them. Each is a transaction by itself.
type statements struct {
	putCode, takeCode, takeAgain          *sql.Stmt
	putFamily, advanceFamily, family      *sql.Stmt
	putSession, session, touchSession     *sql.Stmt
	addConsent, consent                   *sql.Stmt
	countAttempt, attempts, clearAttempts *sql.Stmt
	putPushed, takePushed                 *sql.Stmt
	tokenRevoked                          *sql.Stmt
	familiesOf, sessionsOf, consentsOf    *sql.Stmt
}

func (s *Store) prepare(ctx context.Context) error {
	st := &s.statements
	writing := map[**sql.Stmt]string{
		&st.putCode: putCode, &st.takeCode: takeCode, &st.takeAgain: takeAgain,
		&st.putFamily: putFamily, &st.advanceFamily: advanceFamily,
		&st.putSession: putSession, &st.touchSession: touchSession,
		&st.addConsent:   addConsent,
		&st.countAttempt: countAttempt, &st.clearAttempts: clearAttempts,
		&st.putPushed: putPushed, &st.takePushed: takePushed,
	}
	reading := map[**sql.Stmt]string{
		&st.family: readFamily, &st.familiesOf: familiesOf, &st.session: readSession, &st.sessionsOf: sessionsOf,
		&st.consent: readConsent, &st.consentsOf: consentsOf, &st.attempts: readAttempts, &st.tokenRevoked: tokenRevoked,
	}
	if err := prepareAll(ctx, s.write, writing); err != nil {
		return err
	}
	return prepareAll(ctx, s.read, reading)
}

func prepareAll(ctx context.Context, db *sql.DB, queries map[**sql.Stmt]string) error {
	for stmt, query := range queries {
		var err error
		if *stmt, err = db.PrepareContext(ctx, query); err != nil {
			return fmt.Errorf("prepare %q: %w", query, err)
		}
	}
	return nil
}

// exec a writing statement and say how many rows it touched.
func (s *Store) exec(ctx context.Context, stmt *sql.Stmt, args ...any) (int64, error) {
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	if n > 0 {
		s.writes.Add(1)
	}
	return n, err
}

// returning runs a writing statement that returns the row it touched, if there is
// one; store.ErrNotFound if not.
func (s *Store) returning(ctx context.Context, stmt *sql.Stmt, args []any, into ...any) error {
	found, err := list(ctx, stmt, args, func(rows *sql.Rows) (struct{}, error) { return struct{}{}, rows.Scan(into...) })
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return store.ErrNotFound
	}
	s.writes.Add(1)
	return nil
}

// list reads all rows: a statement's transaction ends with the last of them.
func list[T any](ctx context.Context, stmt *sql.Stmt, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err has said it
	var found []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, one)
	}
	return slices.Clip(found), rows.Err()
}

// one is list where at most one row is expected: store.ErrNotFound if there is
// none.
func one[T any](ctx context.Context, stmt *sql.Stmt, args []any, scan func(*sql.Rows) (T, error)) (T, error) {
	found, err := list(ctx, stmt, args, scan)
	if err == nil && len(found) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return found[0], nil
}
