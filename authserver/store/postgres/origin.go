package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"clientele.dev/clientele/authserver/credential"
)

// content that a connection leads to.
type content struct {
	schema string // that the tables are in
	origin string // the cluster of databases, its timeline, and the table
	same   bool   // as what was written down of it, or nothing was
}

const readContent = `SELECT relnamespace::regnamespace::text, $1::text || oid, coalesce((SELECT origin = $1::text || c.oid FROM meta), true)
	FROM pg_class AS c WHERE oid = 'meta'::regclass`

// contentOf a connection. If its origin cannot be told, it is one that never was.
func contentOf(ctx context.Context, conn *pgx.Conn) (c content, err error) {
	is := knownOf(conn).timeline
	if is.system == "" {
		is = timeline{system: "unknown", number: credential.NewID()}
	}
	if err := conn.QueryRow(ctx, readContent, is.system+"/"+is.number+"/").Scan(&c.schema, &c.origin, &c.same); err != nil {
		return content{}, fmt.Errorf("find the store's tables: %w", err)
	}
	return c, nil
}

const newLife = `UPDATE meta SET origin = $1, revision = greatest(revision + 1, $2), floor = greatest(revision + 1, $2) WHERE origin <> $1`

// compare content with what was written down of it, and begin another life of the
// store if it is other content (see the package's documentation).
func (s *Store) compare(ctx context.Context, conn *pgx.Conn, c content) error {
	if c.same {
		return nil
	}
	if _, err := conn.Exec(ctx, newLife, c.origin, s.now().UnixMicro()); err != nil {
		return fmt.Errorf("begin another life of the store: %w", err)
	}
	return nil
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
