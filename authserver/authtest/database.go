package authtest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/postgres"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/authserver/store/sqlite"
	"clientele.dev/clientele/authserver/store/sqlite/sqlitetest"
)

// database is what the stores of a server, and of those that follow it or stand
// beside it, have in common: a schema of a PostgreSQL, or a folder for SQLite.
type database struct {
	postgres *pgtest.Server // nil: SQLite
	schema   string
	there    string // leads to the schema
	dir      string
}

func newDatabase(t testing.TB, c Config) database {
	if c.Postgres == nil {
		return database{dir: sqlitetest.Dir(t)}
	}
	name, there, err := c.Postgres.Schema(t.Context())
	must(t, err)
	return database{postgres: c.Postgres, schema: name, there: there}
}

// open a store for one server. In PostgreSQL each has a role of its own, by which
// its connections can be told from the others'.
func (d database) open(t testing.TB, role string, now func() time.Time, poll time.Duration) store.Store {
	if poll <= 0 {
		poll = 20 * time.Millisecond
	}
	if d.postgres == nil {
		db, err := sqlite.Open(context.Background(), sqlite.Options{Dir: d.dir, Now: now, Poll: poll, Linger: 3 * poll})
		must(t, err)
		return db
	}
	must(t, d.postgres.Exec(t.Context(), "", "CREATE ROLE "+role+" SUPERUSER LOGIN"))
	db, err := postgres.Open(context.Background(), postgres.Options{
		DSN: d.postgres.DSN(d.there + " user=" + role + " pool_max_conns=6"), Now: now, Poll: poll, Linger: 3 * poll,
	})
	must(t, err)
	return db
}

// Intruder is a store at the server's database without the server's keys: what it writes
// carries MACs under keys of its own.
func (s *Server) Intruder(t testing.TB) store.Store {
	t.Helper()
	keys, err := credential.NewServerKeys(s.Clock.Now())
	must(t, err)
	there := s.database
	if there.postgres == nil {
		there.dir = t.TempDir() // the server has locked its own; this leads to the same file
		must(t, os.Symlink(filepath.Join(s.database.dir, "clientele.db"), filepath.Join(there.dir, "clientele.db")))
	}
	db := there.open(t, s.role+"_intruder", s.Clock.Now, 0)
	db.SignWith(func() store.Signer { return keys }, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

// SQL carries out statements in the server's schema, as somebody with psql does.
// Like the methods below it is for servers on PostgreSQL.
func (s *Server) SQL(t testing.TB, statements string) {
	t.Helper()
	if s.database.postgres == nil {
		t.Fatal("this server is not on PostgreSQL")
	}
	must(t, s.database.postgres.Exec(t.Context(), s.database.there, statements))
}

// CutOff the server from its database: its connections break, and it gets no
// other until Reconnect.
func (s *Server) CutOff(t testing.TB) {
	t.Helper()
	s.cut(t, "")
}

// Deafen breaks the one connection on which the server listens for the changes of
// other replicas, and lets it make no other until Reconnect.
func (s *Server) Deafen(t testing.TB) {
	t.Helper()
	s.cut(t, ` AND query ILIKE 'listen %'`)
}

func (s *Server) cut(t testing.TB, which string) {
	t.Helper()
	s.SQL(t, `ALTER ROLE `+s.role+` NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '`+s.role+`'`+which)
}

// Reconnect lets it connect again.
func (s *Server) Reconnect(t testing.TB) {
	t.Helper()
	s.SQL(t, `ALTER ROLE `+s.role+` LOGIN`)
}
