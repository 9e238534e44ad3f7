package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
	"clientele.dev/clientele/authserver/store/storetest"
)

// TestTheNextVersionsStore is opened by this one, and then by the next again, where the
// next one's step permits it; otherwise it is refused, and nothing in it is changed.
func TestTheNextVersionsStore(t *testing.T) {
	for _, test := range []struct {
		name         string
		readableFrom func(now int) int
		want         error
	}{
		{"that expanded it", func(now int) int { return now }, nil},
		{"that contracted it", func(now int) int { return now + 1 }, store.ErrTooNew},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			bind(t, s)
			put(t, s, func() {})
			closed(t, s)
			next := nextVersion(t, test.readableFrom)
			migrated(t, dir, next)
			again, err := Open(t.Context(), Options{Dir: dir, Now: time.Now})
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if test.want == nil {
				put(t, storetest.Sign(again), func() {})
				closed(t, again)
			}
			migrated(t, dir, next)
			if err := byHand(t, dir, `INSERT INTO later (a) VALUES (1)`); err != nil {
				t.Errorf("what the next version made: %v", err)
			}
		})
	}
}

// nextVersion is today's steps and one more.
func nextVersion(t *testing.T, readableFrom func(now int) int) []sqlstore.Migration {
	t.Helper()
	all, err := sqlstore.Migrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	return append(all, sqlstore.Migration{
		Name: "next", SQL: `CREATE TABLE later (a INTEGER) STRICT`, ReadableFrom: readableFrom(sqlstore.Version(all)),
	})
}

func migrated(t *testing.T, dir string, steps []sqlstore.Migration) {
	t.Helper()
	db := raw(t, dir)
	defer db.Close() //nolint:errcheck // what counts was committed
	if err := migrateTo(t.Context(), db, steps); err != nil {
		t.Fatal(err)
	}
}

// TestAStoreOfStep0001 is brought up to date with all that is in it; a program that knows
// no more than step 0001 takes it for its own afterwards, and so does this one again.
func TestAStoreOfStep0001(t *testing.T) {
	dir := t.TempDir()
	first, err := sqlstore.Migrations(migrationFiles)
	if err != nil {
		t.Fatal(err)
	}
	db := raw(t, dir)
	for _, statement := range []string{
		first[0].SQL, fmt.Sprintf(`PRAGMA user_version = 101; PRAGMA application_id = %d`, applicationID),
		`UPDATE meta SET store_id = 'as it was', server_keys_id = 'keys', revision = 7`,
		`INSERT INTO revoked_tokens (jti, expires) VALUES ('jti', 9999999999)`,
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s := open(t, dir)
		if id, wiped, err := s.Bind(t.Context(), "keys"); id != "as it was" || wiped || err != nil {
			t.Errorf("the store is %q, wiped %v, %v", id, wiped, err)
		}
		if revoked, err := s.TokenRevoked(t.Context(), "jti"); !revoked || err != nil {
			t.Errorf("what was in it: %v, %v", revoked, err)
		}
		closed(t, s)
	}
	db = raw(t, dir)
	defer db.Close() //nolint:errcheck // it was only read
	if version := number(t, db, `PRAGMA user_version`); version != 101 {
		t.Errorf("a program of step 0001 reads schema version %d, and refuses what is not 101", version)
	}
	if applied := number(t, db, `SELECT applied FROM clientele_schema`); applied != sqlstore.Version(first) {
		t.Errorf("steps up to %d, want %d", applied, sqlstore.Version(first))
	}
	if err := byHand(t, dir, `INSERT INTO leases (replica, key_set_revision, serving_since, expires) VALUES ('r', 'k', 1, 2)`); err != nil {
		t.Errorf("a program of step 0001 renews its lease: %v", err)
	}
}

func number(t *testing.T, db *sql.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
