package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
	"clientele.dev/clientele/authserver/store/storetest"
)

// What the contract needs, which is held from outside: sqlitetest imports this
// package.
var (
	OpenFast = open
	ByHand   = byHand
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Options{Dir: dir, Now: time.Now, Poll: 5 * time.Millisecond, Linger: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return storetest.Sign(s)
}

// byHand runs a statement on a connection of its own, as the sqlite3 tool does.
func byHand(t *testing.T, dir, statement string) error {
	t.Helper()
	db := raw(t, dir)
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	_, err := db.ExecContext(t.Context(), statement)
	return err
}

func raw(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, fileName), url.Values{"_pragma": {busyTimeout}}))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func TestOnlyTheOwnerCanRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s := open(t, dir)
	defer closed(t, s)
	bind(t, s)
	want := map[string]os.FileMode{"": 0o700, fileName: 0o600, fileName + "-wal": 0o600, fileName + "-shm": 0o600}
	for name, mode := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%q has mode %o, want %o", name, info.Mode().Perm(), mode)
		}
	}
}

func TestWiderModeIsNarrowed(t *testing.T) {
	dir := t.TempDir()
	closed(t, open(t, dir))
	path := filepath.Join(dir, fileName)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	closed(t, open(t, dir))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}

func closed(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestSettings(t *testing.T) {
	s := open(t, t.TempDir())
	defer closed(t, s)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "1", "busy_timeout": "5000"} {
		var got string
		if err := s.db.write.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v, want %q", pragma, got, err, want)
		}
	}
	if _, err := s.db.read.ExecContext(t.Context(), `DELETE FROM clients`); err == nil {
		t.Error("a reading connection wrote")
	}
}

// TestHotStatementsAreCompiledOnce: without it everything works, several times
// slower.
func TestHotStatementsAreCompiledOnce(t *testing.T) {
	s := open(t, t.TempDir())
	defer closed(t, s)
	write, read := dialect.Statements()
	for _, query := range write {
		if s.db.writing[query] == nil {
			t.Errorf("not prepared for writing: %s", query)
		}
	}
	for _, query := range read {
		if s.db.reading[query] == nil {
			t.Errorf("not prepared for reading: %s", query)
		}
	}
}

func TestRefusedFiles(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		want    string
	}{
		{"a newer schema", func(t *testing.T, dir string) {
			closed(t, open(t, dir))
			if err := byHand(t, dir, `PRAGMA user_version = 999`); err != nil {
				t.Fatal(err)
			}
		}, store.ErrTooNew.Error()},
		{"a schema from before the first step", func(t *testing.T, dir string) {
			closed(t, open(t, dir))
			if err := byHand(t, dir, `PRAGMA user_version = 9`); err != nil {
				t.Fatal(err)
			}
		}, store.ErrOutdated.Error()},
		{"another program's database", func(t *testing.T, dir string) {
			if err := byHand(t, dir, `CREATE TABLE theirs (a)`); err != nil {
				t.Fatal(err)
			}
		}, "another program's database"},
		{"no database", func(t *testing.T, dir string) {
			text := strings.Repeat("this is not a database\n", 1000)
			if err := os.WriteFile(filepath.Join(dir, fileName), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a database"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.prepare(t, dir)
			s, err := Open(t.Context(), Options{Dir: dir, Now: time.Now})
			if err == nil {
				closed(t, s)
				t.Fatal("opened")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %q, want it to say %q and where", err, test.want)
			}
		})
	}
	if _, err := Open(t.Context(), Options{Now: time.Now}); err == nil {
		t.Error("opened a store nowhere")
	}
}

func TestMigrationsAreOneTransaction(t *testing.T) {
	dir := t.TempDir()
	closed(t, open(t, dir))
	db := raw(t, dir)
	defer func() { _ = db.Close() }()
	all, err := sqlstore.Migrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	good := sqlstore.Migration{Name: "good", SQL: `CREATE TABLE later (a INTEGER) STRICT`, ReadableFrom: sqlstore.Version(all) + 1}
	bad := sqlstore.Migration{Name: "bad", SQL: `CREATE TABLE last (a INTEGER) STRICT; CREATE TABLE later (again INTEGER)`}
	err = migrateTo(t.Context(), db, append(all[:len(all):len(all)], good, bad))
	if err == nil || !strings.Contains(err.Error(), "bad") {
		t.Fatalf("error %v, want it to name the step", err)
	}
	if got := tables(t, db, `'later', 'last'`); got != 0 {
		t.Errorf("%d tables are left of a failed migration", got)
	}
	if err := migrateTo(t.Context(), db, append(all[:len(all):len(all)], good)); err != nil {
		t.Fatal(err)
	}
	if got := tables(t, db, `'later'`); got != 1 {
		t.Error("the good step is not there")
	}
}

func tables(t *testing.T, db *sql.DB, names string) (n int) {
	t.Helper()
	row := db.QueryRowContext(t.Context(), `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN (`+names+`)`)
	if err := row.Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// bind a store and say at which revision it is.
func bind(t testing.TB, s *Store) (revision int64) {
	t.Helper()
	id, _, err := s.Bind(t.Context(), "keys")
	if err != nil {
		t.Fatal(err)
	}
	ch, err := s.Changes(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	return ch.Revision
}

// TestRevisionFollowsTheClock: what a registrar remembers of a life of the store
// whose tail was lost is below the floor of the next.
func TestRevisionFollowsTheClock(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(1_900_000_000, 0)
	start := func() (revision int64) {
		s, err := Open(t.Context(), Options{Dir: dir, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, s)
		return bind(t, s)
	}
	first := start()
	now = now.Add(time.Second)
	second := start()
	if second-first < 900_000 {
		t.Errorf("revision went from %d to %d within a second, want about a million more", first, second)
	}
	now = now.Add(-time.Hour) // F30
	if third := start(); third <= second {
		t.Errorf("the clock went back and took the revision along: %d to %d", second, third)
	}
}

// put one client, with during in the midst of the decision.
func put(t *testing.T, s *Store, during func()) {
	t.Helper()
	_, err := s.ChangeClient(t.Context(), oauth.Owner{}, "a", func(store.ExistingClients) (store.ClientChange, error) {
		during()
		return store.ClientChange{Put: &store.Client{Registration: oauth.Registration{ClientID: "a"}}}, nil
	})
	if err != nil {
		t.Errorf("put: %v", err)
	}
}

// TestDecisionExcludesOtherProcesses: what a decision has seen stays true until it
// is carried out, also if somebody else has the file open.
func TestDecisionExcludesOtherProcesses(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	defer closed(t, s)
	bind(t, s)
	put(t, s, func() {
		db, err := sql.Open("sqlite", dsn(filepath.Join(dir, fileName), nil)) // waits for no lock
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.ExecContext(t.Context(), `DELETE FROM clients`); err == nil {
			t.Error("another process wrote in the midst of a decision")
		}
	})
}

// TestMadeUpCodesDoNotWaitForWriters, and so do not make them wait.
func TestMadeUpCodesDoNotWaitForWriters(t *testing.T) {
	s := open(t, t.TempDir())
	defer closed(t, s)
	bind(t, s)
	put(t, s, func() { // in the midst of a write
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if _, err := s.TakeCode(ctx, "made up", time.Now()); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("code: %v, want ErrNotFound", err)
		}
		if _, err := s.TakePushedRequest(ctx, "made up", time.Now()); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("pushed request: %v, want ErrNotFound", err)
		}
	})
}

// TestAwaitNeedsNoPoll: writes of this process wake at once.
func TestAwaitNeedsNoPoll(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Now: time.Now, Poll: time.Hour, Linger: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Sign(s)
	defer closed(t, s)
	since := bind(t, s)
	woken := make(chan error, 1)
	go func() { woken <- s.Await(t.Context(), since) }()
	put(t, s, func() {})
	select {
	case err := <-woken:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("nobody woke up")
	}
}
