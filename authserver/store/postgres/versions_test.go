package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
	"clientele.dev/clientele/authserver/store/storetest"
)

// TestTheNextVersionsStore is opened by this one beside one that is running, and then by
// the next again, where the next one's step permits it; otherwise it is refused, and what
// runs goes on.
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
			_, there := schema(t)
			running := open(t, there, Options{})
			defer closed(t, running)
			id := bind(t, running)
			conn, all := migrating(t, there)
			next := append(all, sqlstore.Migration{
				Name: "next", SQL: `CREATE TABLE later (a INTEGER)`, ReadableFrom: test.readableFrom(sqlstore.Version(all)),
			})
			must(t, migrateTo(t.Context(), conn, next))
			again, err := Open(t.Context(), Options{DSN: server.DSN(there), Now: time.Now})
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			since := put(t, running, "a")
			if test.want == nil {
				if ch, err := storetest.Sign(again).Changes(t.Context(), id, since-1); err != nil || len(ch.Clients) != 1 {
					t.Errorf("what the one beside it wrote: %+v, %v", ch, err)
				}
				closed(t, again)
			}
			must(t, migrateTo(t.Context(), conn, next))
			exec(t, there, `INSERT INTO later (a) VALUES (1)`)
		})
	}
}

// TestAStoreOfStep0001 is brought up to date with all that is in it while a program of
// that step uses it; a program of that step takes it for its own afterwards, and so does
// this one again.
func TestAStoreOfStep0001(t *testing.T) {
	_, there := schema(t)
	_, all := migrating(t, there)
	exec(t, there, `CREATE TABLE clientele_schema (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);
		INSERT INTO clientele_schema VALUES (1, 101);`+all[0].SQL)
	exec(t, there, `UPDATE meta SET store_id = 'as it was', server_keys_id = 'keys'`)
	const older = `INSERT INTO leases (replica, key_set_revision, serving_since, expires) VALUES ('older', 'k', 1, 9999999999)
		ON CONFLICT (replica) DO UPDATE SET key_set_revision = excluded.key_set_revision`
	exec(t, there, older)
	for range 2 {
		s := open(t, there, Options{})
		if id, wiped, err := s.Bind(t.Context(), "keys"); id != "as it was" || wiped || err != nil {
			t.Errorf("the store is %q, wiped %v, %v", id, wiped, err)
		}
		exec(t, there, older)
		found, err := s.Replicas(t.Context(), time.Unix(5, 0))
		if want := (oauth.Replica{ID: "older", KeySetRevision: "k", ServingSince: 1, LeaseExpires: 9999999999}); err != nil || len(found) != 1 || found[0] != want {
			t.Errorf("replicas %+v, %v, want %+v", found, err, want)
		}
		closed(t, s)
	}
	conn, err := pgx.Connect(t.Context(), server.DSN(there))
	must(t, err)
	defer conn.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // it was only read
	var version, applied int
	must(t, conn.QueryRow(t.Context(), `SELECT version, applied FROM clientele_schema`).Scan(&version, &applied))
	if version != 101 || applied != sqlstore.Version(all) {
		t.Errorf("a program of step 0001 reads schema version %d, and refuses what is not 101; steps up to %d, want %d", version, applied, sqlstore.Version(all))
	}
}
