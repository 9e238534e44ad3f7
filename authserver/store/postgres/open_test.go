package postgres

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

func TestRefusedDatabases(t *testing.T) {
	_, there := schema(t)
	closed(t, open(t, there, Options{}))
	for version, want := range map[string]string{
		"999": store.ErrTooNew.Error(),
		"9":   store.ErrOutdated.Error(),
	} {
		exec(t, there, `UPDATE clientele_schema SET version = `+version)
		if _, err := Open(t.Context(), Options{DSN: server.DSN(there), Now: time.Now}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("version %s: error %v, want %q", version, err, want)
		}
	}
	_, there = schema(t)
	exec(t, there, `CREATE TABLE sessions (theirs INTEGER)`)
	_, err := Open(t.Context(), Options{DSN: server.DSN(there), Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), "sessions") {
		t.Errorf("error %v, want that somebody's table is in the way", err)
	}
	// And nothing is left of the attempt.
	exec(t, there, `CREATE TABLE meta (); CREATE TABLE clientele_schema ()`)
}

// TestF36ThePasswordIsNeverShown, whatever is wrong with the connection string.
func TestF36ThePasswordIsNeverShown(t *testing.T) {
	var logged bytes.Buffer
	for _, dsn := range []string{
		"postgres://u:hunter2@127.0.0.1:1/db?connect_timeout=2", "postgres://u:hunter2%zz@127.0.0.1/db", "postgres://u:hun:ter2@host:x/db",
		"postgres://u:a/hunter2@host/db", "password=hunter2 host", "password='hunter2 host=x", "host=127.0.0.1 port=1 password=hunter2 connect_timeout=2",
		"host=x password=hunter2 sslmode=strange", "hunter2", "",
	} {
		_, err := Open(t.Context(), Options{DSN: dsn, Now: time.Now, Log: slog.New(slog.NewTextHandler(&logged, nil))})
		if err == nil {
			t.Fatalf("opened %q", dsn)
		}
		if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2") {
			t.Errorf("%q: error %q", dsn, err)
		}
	}
	if logged.Len() > 0 {
		t.Errorf("logged %s", &logged)
	}
}

// migrating is a connection to a schema, and all the steps that there are.
func migrating(t *testing.T, there string) (*pgx.Conn, []sqlstore.Migration) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.DSN(there))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	all, err := sqlstore.Migrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	return conn, all
}

func TestMigrationsAreOneTransaction(t *testing.T) {
	_, there := schema(t)
	closed(t, open(t, there, Options{}))
	conn, all := migrating(t, there)
	good := sqlstore.Migration{Name: "good", SQL: `CREATE TABLE later (a INTEGER)`, ReadableFrom: sqlstore.Version(all) + 1}
	bad := sqlstore.Migration{Name: "bad", SQL: `CREATE TABLE last (a INTEGER); CREATE TABLE later (again INTEGER)`}
	err := migrateTo(t.Context(), conn, append(all[:len(all):len(all)], good, bad))
	if err == nil || !strings.Contains(err.Error(), "bad") {
		t.Fatalf("error %v, want it to name the step", err)
	}
	if n := tables(t, conn, "later", "last"); n != 0 {
		t.Errorf("%d tables are left of a failed migration", n)
	}
	if err := migrateTo(t.Context(), conn, append(all[:len(all):len(all)], good)); err != nil {
		t.Fatal(err)
	}
	if n := tables(t, conn, "later"); n != 1 {
		t.Error("the good step is not there")
	}
}

func tables(t *testing.T, conn *pgx.Conn, names ...string) (n int) {
	t.Helper()
	const q = `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY($1)`
	if err := conn.QueryRow(t.Context(), q, names).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestF9AnotherOrigin: a standby took over, or a backup was restored, while this
// replica ran. Its next connection notices.
func TestF9AnotherOrigin(t *testing.T) {
	_, there := schema(t)
	s := open(t, there, Options{Poll: 5 * time.Millisecond})
	defer closed(t, s)
	id := bind(t, s)
	since := put(t, s, "a")
	exec(t, there, `UPDATE meta SET origin = 'the server before'`)
	if ch, err := s.Changes(t.Context(), id, since); err != nil || ch.Full {
		t.Fatalf("before a new connection: %+v, %v", ch, err)
	}
	s.db.pool.Reset() // as a failover does
	ch, err := s.Changes(t.Context(), id, since)
	if err != nil || !ch.Full || ch.Revision <= since || len(ch.Clients) != 1 {
		t.Errorf("afterwards: %+v, %v: want everything, under a revision above %d", ch, err, since)
	}
	s.db.pool.Reset()
	if again, err := s.Changes(t.Context(), id, ch.Revision); err != nil || again.Full {
		t.Errorf("noticed twice: %+v, %v", again, err)
	}
}

// TestF9RevisionSetBack, or a table emptied, by hand.
func TestF9RevisionSetBack(t *testing.T) {
	_, there := schema(t)
	s := open(t, there, Options{})
	defer closed(t, s)
	id := bind(t, s)
	for _, statement := range []string{`UPDATE meta SET revision = 7, floor = 3`, `TRUNCATE clients`, `TRUNCATE policies`, `TRUNCATE deletions`} {
		since := put(t, s, "a")
		exec(t, there, statement)
		if ch, err := s.Changes(t.Context(), id, since); err != nil || !ch.Full || ch.Revision <= since {
			t.Errorf("%s: %+v, %v: want everything, under a revision above %d", statement, ch, err, since)
		}
	}
}

// TestAnOrdinaryRoleWillDo: it owns its schema and nothing else.
func TestAnOrdinaryRoleWillDo(t *testing.T) {
	name, there := schema(t)
	role := "role_" + name
	exec(t, "", `CREATE ROLE `+role+` LOGIN; ALTER SCHEMA `+name+` OWNER TO `+role)
	s := open(t, there+" user="+role, Options{})
	defer closed(t, s)
	id := bind(t, s)
	put(t, s, "a")
	// One that may tell even less gets another life at each opening, and works.
	exec(t, "", `REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC`)
	defer exec(t, "", `GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC`)
	since := put(t, s, "b")
	other := open(t, there+" user="+role, Options{})
	defer closed(t, other)
	if ch, err := other.Changes(t.Context(), id, since); err != nil || !ch.Full || ch.Revision <= since {
		t.Errorf("%+v, %v: want everything, under a revision above %d", ch, err, since)
	}
	since = put(t, other, "c")
	other.db.pool.Reset()
	if ch, err := other.Changes(t.Context(), id, since); err != nil || ch.Full {
		t.Errorf("a new connection: %+v, %v: want nothing new", ch, err)
	}
}

// TestARoleThatMakesNoTablesWillDo, once they are there.
func TestARoleThatMakesNoTablesWillDo(t *testing.T) {
	name, there := schema(t)
	closed(t, open(t, there, Options{}))
	role := "role_" + name
	exec(t, there, `CREATE ROLE `+role+` LOGIN; GRANT USAGE ON SCHEMA `+name+` TO `+role+`;
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA `+name+` TO `+role)
	s := open(t, there+" user="+role, Options{})
	defer closed(t, s)
	bind(t, s)
	put(t, s, "a")
}

// TestAnEditFromElsewhere: whoever edits a row need not know the search path.
func TestAnEditFromElsewhere(t *testing.T) {
	name, there := schema(t)
	s := open(t, there, Options{})
	defer closed(t, s)
	id := bind(t, s)
	since := put(t, s, "a")
	exec(t, "", `UPDATE `+name+`.clients SET mac = 'forged'`)
	if ch, err := s.Changes(t.Context(), id, since); err != nil || len(ch.Clients) != 1 {
		t.Errorf("told %+v, %v", ch, err)
	}
}

func TestClosedStoreWakesWaiters(t *testing.T) {
	_, there := schema(t)
	s := open(t, there, never)
	bind(t, s)
	since := put(t, s, "a")
	woken := make(chan struct{})
	go func() { defer close(woken); _ = s.Await(t.Context(), since) }()
	closed(t, s)
	select {
	case <-woken:
	case <-time.After(3 * time.Minute):
		t.Error("somebody still waits")
	}
	closed(t, s)
}
