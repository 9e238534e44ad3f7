package postgres

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The schema, step by step: <version>_<what>.sql, without a gap from 0001. A step
// that was released is never edited; what is wrong with it is a further step.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrationLock is the advisory lock of who migrates ("clientel"). The others wait.
const migrationLock = 0x636c69656e74656c

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

func migrate(ctx context.Context, conn *pgx.Conn) error {
	all, err := migrations(migrationFiles)
	if err != nil {
		return err
	}
	return migrateTo(ctx, conn, all)
}

// migrateTo brings the schema up to date, all missing steps in one transaction.
// Replicas that start together do it one after the other.
func migrateTo(ctx context.Context, conn *pgx.Conn, all []migration) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return err
		}
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
			if _, err := tx.Exec(ctx, m.sql); err != nil {
				return fmt.Errorf("migration %s: %w", m.name, err)
			}
		}
		_, err = tx.Exec(ctx, `UPDATE clientele_schema SET version = $1`, len(all))
		return err
	})
}

// schemaVersion of the database; 0 if it has none of our tables. A role that may
// only use the tables, and make none, gets past this once they are there.
func schemaVersion(ctx context.Context, tx pgx.Tx) (version int, err error) {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass('clientele_schema') IS NOT NULL`).Scan(&there); err != nil {
		return 0, err
	}
	if !there {
		_, err := tx.Exec(ctx, `CREATE TABLE clientele_schema (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);
			INSERT INTO clientele_schema VALUES (1, 0)`)
		return 0, err
	}
	err = tx.QueryRow(ctx, `SELECT version FROM clientele_schema`).Scan(&version)
	return version, err
}
