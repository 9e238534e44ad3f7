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
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	moved, err := sqlstore.Migrate(all, version, func(sql string) error {
		_, err := tx.ExecContext(ctx, sql)
		return err
	})
	if err != nil || !moved {
		return err
	}
	// Both live in the file's header and take part in the transaction; PRAGMA
	// takes no parameters.
	marks := fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", sqlstore.Version(all), applicationID)
	if _, err := tx.ExecContext(ctx, marks); err != nil {
		return err
	}
	return tx.Commit()
}

// schemaVersion of the file; 0 if it is empty.
func schemaVersion(ctx context.Context, tx *sql.Tx) (int, error) {
	var version, application, tables int
	err := errors.Join(
		tx.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version),
		tx.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&application),
		tx.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_schema`).Scan(&tables),
	)
	if err != nil {
		return 0, err
	}
	if tables > 0 && application != applicationID {
		return 0, errors.New("the file is another program's database: name another data directory")
	}
	return version, nil
}
