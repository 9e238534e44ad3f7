package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

// The schema, step by step: <number>_<what>.sql, without a gap from 0001. A released
// step is never edited; a fault in it is fixed by a further step.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// applicationID marks the file as ours ("clie"), so that another program's
// database is not taken for a store.
const applicationID = 0x636c6965

func migrate(ctx context.Context, db *sql.DB) error {
	all, err := sqlstore.Migrations(migrationFiles)
	if err != nil {
		return err
	}
	return migrateTo(ctx, db, all)
}

// migrateTo brings the schema up to date, all missing steps in one transaction.
func migrateTo(ctx context.Context, db *sql.DB, all []sqlstore.Migration) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	is, err := schemaOf(ctx, tx)
	if err != nil {
		return err
	}
	next, err := sqlstore.Migrate(all, is, func(sql string) error {
		_, err := tx.ExecContext(ctx, sql)
		return err
	})
	if err != nil || next == is {
		return err
	}
	// The marks live in the file's header and take part in the transaction; PRAGMA
	// takes no parameters.
	marks := fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", next.ReadableFrom, applicationID)
	if _, err := tx.ExecContext(ctx, marks); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE clientele_schema SET applied = $1`, next.Version); err != nil {
		return err
	}
	return tx.Commit()
}

// schemaOf the file. One that only programs of step 0001 used has no table for it.
func schemaOf(ctx context.Context, tx *sql.Tx) (is sqlstore.Schema, err error) {
	var application, tables, described int
	err = errors.Join(
		tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&is.ReadableFrom),
		tx.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&application),
		tx.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE name = 'clientele_schema') FROM sqlite_schema`).Scan(&tables, &described),
	)
	if err != nil {
		return is, err
	}
	if tables > 0 && application != applicationID {
		return is, errors.New("the file is another program's database: name another data directory")
	}
	if is.Version = is.ReadableFrom; described == 0 {
		return is, nil
	}
	err = tx.QueryRowContext(ctx, `SELECT applied FROM clientele_schema`).Scan(&is.Version)
	return is, err
}
