package postgres

import (
	"context"
	"embed"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

// The schema, step by step: <number>_<what>.sql, without a gap from 0001. A released
// step is never edited; a fault in it is fixed by a further step.
//
//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrationLock is the advisory lock of who migrates ("clientel"). The others wait.
const migrationLock = 0x636c69656e74656c

func migrate(ctx context.Context, conn *pgx.Conn) error {
	all, err := sqlstore.Migrations(migrationFiles)
	if err != nil {
		return err
	}
	return migrateTo(ctx, conn, all)
}

// migrateTo brings the schema up to date, all missing steps in one transaction.
// Replicas that start together do it one after the other.
func migrateTo(ctx context.Context, conn *pgx.Conn, all []sqlstore.Migration) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
			return err
		}
		is, err := schemaOf(ctx, tx)
		if err != nil {
			return err
		}
		next, err := sqlstore.Migrate(all, is, func(sql string) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
		if err != nil || next == is {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE clientele_schema SET version = $1, applied = $2`, next.ReadableFrom, next.Version)
		return err
	})
}

// schemaOf the database, making the table that tells of it. A role that may only use the
// tables, and make none, gets past this once they are there.
func schemaOf(ctx context.Context, tx pgx.Tx) (is sqlstore.Schema, err error) {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regclass('clientele_schema') IS NOT NULL`).Scan(&there); err != nil {
		return is, err
	}
	if !there {
		_, err := tx.Exec(ctx, `CREATE TABLE clientele_schema (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);
			INSERT INTO clientele_schema VALUES (1, 0)`)
		return is, err
	}
	// Programs of step 0001 know no column applied.
	const q = `SELECT version, coalesce((to_jsonb(s)->>'applied')::integer, version) FROM clientele_schema AS s`
	err = tx.QueryRow(ctx, q).Scan(&is.ReadableFrom, &is.Version)
	return is, err
}
