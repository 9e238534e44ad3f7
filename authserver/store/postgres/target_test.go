package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/authserver/store/storetest"
	"clientele.dev/clientele/hack/testenv"
)

// mounted is a connection string in a file, and the log of the store that reads it.
type mounted struct {
	path string
	log  *lines
}

func mount(t *testing.T, dsn string) mounted {
	t.Helper()
	m := mounted{path: filepath.Join(t.TempDir(), "dsn"), log: &lines{}}
	m.write(t, dsn)
	return m
}

// write the file as a kubelet does: it is another one from one moment to the next.
func (m mounted) write(t *testing.T, dsn string) {
	t.Helper()
	if err := os.WriteFile(m.path+".new", []byte(dsn+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(m.path+".new", m.path); err != nil {
		t.Fatal(err)
	}
}

// options with which changes are heard of by listening only.
func (m mounted) options() Options {
	return Options{DSNFile: m.path, Now: time.Now, Poll: time.Hour, Linger: time.Hour, Log: slog.New(slog.NewTextHandler(m.log, nil))}
}

func (m mounted) open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), m.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, s) })
	return storetest.Sign(s)
}

func (m mounted) saysOnce(t *testing.T, what string) {
	t.Helper()
	if n := strings.Count(m.log.String(), what); n != 1 {
		t.Errorf("%q is said %d times, want once:\n%s", what, n, m.log)
	}
}

// withPasswords is a server whose roles, but for the superuser, have passwords:
// app's is first-secret.
func withPasswords(t *testing.T) *pgtest.Server {
	t.Helper()
	own := started(t, pgtest.Start)
	must(t, own.Access(t.Context(), "local all all scram-sha-256"))
	must(t, own.Exec(t.Context(), "", `CREATE ROLE app LOGIN PASSWORD 'first-secret'; CREATE SCHEMA app AUTHORIZATION app`))
	return own
}

const endAll = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'`

// works says whether statements and notifications get through.
func works(t *testing.T, s *Store, other func()) {
	t.Helper()
	var id string
	testenv.Eventually(t, "the store answers", func() bool {
		var err error
		id, _, err = s.Bind(t.Context(), "keys")
		return err == nil
	})
	now, err := s.Changes(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{})
	go func() { defer close(told); changed(t, s, id, now.Revision) }()
	testenv.Eventually(t, "it is told of a change", func() bool {
		other() // until it listens, nobody hears
		select {
		case <-told:
			return true
		default:
			return false
		}
	})
}

// TestF36ARotatedPasswordNeedsNoRestart: the role has another password, the file
// too, and every connection ends.
func TestF36ARotatedPasswordNeedsNoRestart(t *testing.T) {
	own := withPasswords(t)
	run := func(statements string) {
		t.Helper()
		if err := own.Exec(t.Context(), "", statements); err != nil {
			t.Fatal(err)
		}
	}
	dsn := func(password string) string { return own.DSN("user=app search_path=app password=" + password) }
	edit := func() { run(`UPDATE app.meta SET revision = revision + 1`) }
	m := mount(t, dsn("first-secret"))
	s := m.open(t)
	works(t, s, edit)

	run(`ALTER ROLE app PASSWORD 'second-secret'`)
	run(endAll)
	testenv.Eventually(t, "the old password fails", func() bool {
		_, err := s.Changes(t.Context(), "", 0)
		return err != nil && strings.Contains(err.Error(), "password authentication failed")
	})
	m.write(t, dsn("second-secret"))
	works(t, s, edit)
	run(endAll)
	works(t, s, edit)

	// Two roles that take turns.
	run(`CREATE ROLE app2 LOGIN PASSWORD 'third-secret' IN ROLE app; ALTER ROLE app2 SET role = app`)
	m.write(t, strings.Replace(dsn("third-secret"), "user=app ", "user=app2 ", 1))
	run(`ALTER ROLE app NOLOGIN`)
	run(endAll)
	works(t, s, edit)
	for _, secret := range []string{"first-secret", "second-secret", "third-secret"} {
		if strings.Contains(m.log.String(), secret) {
			t.Errorf("F36: a password is in the log:\n%s", m.log)
		}
	}
}

// TestAStringOfAnotherPlaceIsNotUsed, nor is one that cannot be read; the one
// before is.
func TestAStringOfAnotherPlaceIsNotUsed(t *testing.T) {
	_, there := schema(t)
	_, elsewhere := schema(t)
	m := mount(t, server.DSN(there))
	s := m.open(t)
	id := bind(t, s)
	for dsn, want := range map[string]string{
		server.DSN(there + " dbname=template1 password=hunter2"): `it names the database \"template1\", want \"postgres\": another one needs a restart`,
		server.DSN(elsewhere + " password=hunter2"):              "its parameters, such as search_path, are others than at the start",
		"postgres://u:hunter2%zz@db/x":                           "the connection string cannot be read: want postgres://",
		server.DSN(there) + "\npassword=hunter2":                 "the file has more than one line",
		"":                                                       "the file is empty",
		server.DSN(there + " sslrootcert=/nowhere sslmode=verify-ca"): "",
	} {
		m.write(t, dsn)
		for range 2 {
			s.db.pool.Reset()
			if _, err := s.Changes(t.Context(), id, 0); err != nil {
				t.Errorf("%s: %v", want, err)
			}
		}
		if want != "" {
			m.saysOnce(t, want)
		}
	}
	if err := os.Remove(m.path); err != nil {
		t.Fatal(err)
	}
	s.db.pool.Reset()
	if _, err := s.Changes(t.Context(), id, 0); err != nil {
		t.Error(err)
	}
	m.saysOnce(t, "no such file")
	if strings.Contains(m.log.String(), "hunter2") {
		t.Errorf("F36: the password is in the log:\n%s", m.log)
	}
}

// TestARoleWithAnotherSchemaIsNotUsed: there may be tables of another store.
func TestARoleWithAnotherSchemaIsNotUsed(t *testing.T) {
	name, _ := schema(t)
	one, two := name+"_one", name+"_two"
	for _, role := range []string{one, two} {
		exec(t, "", `CREATE ROLE `+role+` LOGIN; CREATE SCHEMA AUTHORIZATION `+role) // "$user" leads there
		closed(t, open(t, "user="+role, Options{}))
	}
	m := mount(t, server.DSN("user="+one))
	s := m.open(t)
	id := bind(t, s)
	m.write(t, server.DSN("user="+two))
	s.db.pool.Reset()
	_, err := s.Changes(t.Context(), id, 0)
	if want := fmt.Sprintf("finds the tables of schema %s, want %s", two, one); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	m.write(t, server.DSN("user="+one))
	if _, err := s.Changes(t.Context(), id, 0); err != nil {
		t.Errorf("as before: %v", err)
	}
}

// TestTheDatabaseMoves: when the first connection to the new address is made, those to
// the old one end.
func TestTheDatabaseMoves(t *testing.T) {
	_, there := schema(t)
	dsn := server.DSN(there + " application_name=moves")
	host, _, _ := strings.Cut(strings.TrimPrefix(dsn, "host="), " ")
	moved := filepath.Join(t.TempDir(), "moved") // the same server: nobody copies a database here
	if err := os.Symlink(host, moved); err != nil {
		t.Fatal(err)
	}
	m := mount(t, dsn)
	s := m.open(t)
	id := bind(t, s)
	listening(t, s)
	before := backends(t)
	if len(before) < 2 {
		t.Fatalf("connections %v, want one of the pool and one that listens", before)
	}
	m.write(t, strings.Replace(dsn, "host="+host, "host="+moved, 1))
	held := s.db.pool.AcquireAllIdle(t.Context()) // so that another connection must be made
	if _, err := s.Changes(t.Context(), id, 0); err != nil {
		t.Error(err)
	}
	for _, c := range held {
		c.Release()
	}
	testenv.Eventually(t, "the connections from before end, that which listens too", func() bool {
		return !slices.ContainsFunc(backends(t), func(pid int) bool { return slices.Contains(before, pid) })
	})
	listening(t, s)
	m.saysOnce(t, "another address now\" database=")
	if _, err := s.Changes(t.Context(), id, 0); err != nil {
		t.Error(err)
	}
}

// backends of TestTheDatabaseMoves, by their process ids.
func backends(t *testing.T) []int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.DSN(""))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // nothing is left to lose
	rows, _ := conn.Query(t.Context(), `SELECT pid FROM pg_stat_activity WHERE application_name = 'moves'`)
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		t.Fatal(err)
	}
	return pids
}

// TestWaitingFollowsTheFile: what was wrong in it may be what is waited for.
func TestWaitingFollowsTheFile(t *testing.T) {
	_, there := schema(t)
	m := mount(t, server.DSN(there+" port=1"))
	o := m.options()
	o.Wait = time.Hour
	opened := make(chan *Store, 1)
	go func() {
		s, err := Open(t.Context(), o)
		if err != nil {
			t.Error(err)
		}
		opened <- s
	}()
	testenv.Eventually(t, "it waits", func() bool { return strings.Contains(m.log.String(), "waiting for it") })
	m.write(t, server.DSN(there))
	if s := <-opened; s != nil {
		closed(t, s)
	}
}

// TestCertificatesAreReadAgain, though the string is the same.
func TestCertificatesAreReadAgain(t *testing.T) {
	roots := filepath.Join(t.TempDir(), "ca.crt")
	renew := func() {
		t.Helper()
		authority, err := pgtest.NewAuthority()
		must(t, err)
		must(t, os.WriteFile(roots, authority.PEM(), 0o600))
	}
	renew()
	target, err := newTarget(Options{DSN: "postgres://u@db.example/x?sslmode=verify-full&sslrootcert=" + roots, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	first, left := target.current()
	same, _ := target.current()
	renew()
	second, _ := target.current()
	if !same.TLSConfig.RootCAs.Equal(first.TLSConfig.RootCAs) || second.TLSConfig.RootCAs.Equal(first.TLSConfig.RootCAs) {
		t.Error("connections go by the certificates from before")
	}
	select {
	case <-left:
		t.Error("the hosts are taken to have changed")
	default:
	}
}
