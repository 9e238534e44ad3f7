package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// The schema, step by step: <version>_<what>.sql, without a gap from 0001. A step
// that was released is never edited; what is wrong with it is a further step.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// applicationID marks the file as ours ("clie"), so that another program's
// database is not taken for a store.
const applicationID = 0x636c6965

type migration struct {
	name string
	sql  string
}

// migrations in order: the first is version 1.
func migrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var all []migration
	for i, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		if version, err := strconv.Atoi(number); err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s: want number %04d", name, i+1)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		all = append(all, migration{name: name, sql: string(text)})
	}
	return all, nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	all, err := migrations(migrationFiles)
	if err != nil {
		return err
	}
	return migrateTo(ctx, db, all)
}

// migrateTo brings the schema up to date, all missing steps in one transaction.
func migrateTo(ctx context.Context, db *sql.DB, all []migration) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer rollback(tx)
	version, err := schemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	if version > len(all) {
		return fmt.Errorf("the database has schema version %d and this program knows up to %d: it was last used by a newer clientele; "+
			"run that version, or restore a backup from before the upgrade", version, len(all))
	}
	if version == len(all) {
		return nil
	}
	for _, m := range all[version:] {
		if _, err := tx.ExecContext(ctx, m.sql); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	// Both live in the file's header and take part in the transaction; PRAGMA
	// takes no parameters.
	marks := fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", len(all), applicationID)
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
