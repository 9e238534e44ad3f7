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
	schema string // of the tables
	system string // the identifier of the cluster of databases; "": the role may not read it
	origin string // the cluster, its timeline, and the table
	same   bool   // as meta says, or meta says nothing
}

const (
	// A promoted standby begins a timeline with a higher number: eight hexadecimal digits.
	readServer = `SELECT system_identifier::text, substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) FROM pg_control_system()`

	readContent = `SELECT relnamespace::regnamespace::text, $1::text || oid, coalesce((SELECT origin = $1::text || c.oid FROM meta), true)
		FROM pg_class AS c WHERE oid = 'meta'::regclass`
)

// contentOf a connection. A role that may not read the origin gets a new one each time.
func contentOf(ctx context.Context, conn *pgx.Conn) (c content, err error) {
	var timeline string
	err = conn.QueryRow(ctx, readServer).Scan(&c.system, &timeline)
	server := c.system + "/" + timeline
	if state(err) == insufficientPrivilege {
		server, err = "unknown/"+credential.NewID(), nil
	}
	if err != nil {
		return content{}, fmt.Errorf("read which server this is: %w", err)
	}
	if err := conn.QueryRow(ctx, readContent, server+"/").Scan(&c.schema, &c.origin, &c.same); err != nil {
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
	invalidCatalog        = "3D000" // there is no such database
	diskFull              = "53100"
	readOnly              = "25006" // a standby, or default_transaction_read_only
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
