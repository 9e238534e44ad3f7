package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"clientele.dev/clientele/authserver/credential"
)

// origin of the content: the cluster of databases, its timeline, and the table.
const origin = `(SELECT system_identifier::text FROM pg_control_system()) || '/' ||
	substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) || '/' || 'meta'::regclass::oid`

const newLife = `UPDATE meta SET origin = $1, revision = greatest(revision + 1, $2), floor = greatest(revision + 1, $2) WHERE origin <> $1`

// checkOrigin begins another life of the store if this connection leads to other
// content than the one before (see the package's documentation). known is false if
// the origin cannot be told; then each call begins one.
func (s *Store) checkOrigin(ctx context.Context, conn *pgx.Conn) (known bool, err error) {
	var present string
	var same bool
	err = conn.QueryRow(ctx, `SELECT o, coalesce((SELECT origin = o FROM meta), true) FROM (SELECT `+origin+`) AS x (o)`).Scan(&present, &same)
	switch {
	case state(err) == insufficientPrivilege:
		present = "unknown/" + credential.NewID()
	case err != nil:
		return false, fmt.Errorf("tell where the database comes from: %w", err)
	case same:
		return true, nil
	}
	known = err == nil
	if _, err := conn.Exec(ctx, newLife, present, s.now().UnixMicro()); err != nil {
		return false, fmt.Errorf("begin another life of the store: %w", err)
	}
	return known, nil
}

const schemaOfStore = `SELECT relnamespace::regnamespace::text FROM pg_class WHERE oid = 'meta'::regclass`

// schemaOf the tables that a connection finds.
func schemaOf(ctx context.Context, conn *pgx.Conn) (name string, err error) {
	if err := conn.QueryRow(ctx, schemaOfStore).Scan(&name); err != nil {
		return "", fmt.Errorf("find the store's tables: %w", err)
	}
	return name, nil
}

// SQLSTATE codes (PostgreSQL, Appendix A).
const (
	insufficientPrivilege = "42501"
	invalidAuthorization  = "28000" // also: no line of pg_hba.conf fits
	serializationFailure  = "40001"
	deadlockDetected      = "40P01"
	notInRepertoire       = "22021" // a text with the character 0, or no UTF-8
)

// state is the SQLSTATE of an error, "" if it has none.
func state(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
