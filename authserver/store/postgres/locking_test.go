package postgres

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"clientele.dev/clientele/authserver/store"
)

// taken is a code that was taken once, and the family it leads to.
func taken(t *testing.T, s *Store) (store.Code, store.Family) {
	t.Helper()
	now := time.Now()
	c := store.Code{Hash: "hash", FamilyID: "f", Expires: now.Add(time.Minute)}
	if err := s.PutCode(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TakeCode(t.Context(), c.Hash, now); err != nil {
		t.Fatal(err)
	}
	return c, store.Family{ID: "f", Generation: 1, Expires: now.Add(time.Hour)}
}

// blocked waits until a statement waits for a lock.
func blocked(t *testing.T, s *Store, application, beginning string) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(30 * time.Second); ; {
		var n int
		const q = `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND starts_with(query, $1) AND application_name = $2`
		if err := s.db.pool.QueryRow(t.Context(), q, beginning, application).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			return
		}
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("nothing that begins with %q waits for a lock", beginning)
		}
	}
}

// TestA3SecondUseWaitsForTheFamily: the family is written and not committed when
// the code comes again. The second waits, and then finds something to revoke.
func TestA3SecondUseWaitsForTheFamily(t *testing.T) {
	name, there := schema(t)
	s := open(t, there+" application_name="+name, Options{})
	defer closed(t, s)
	c, f := taken(t, s)
	record, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	revoked := make(chan int, 1)
	err = pgx.BeginFunc(t.Context(), s.db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), dialect.PutFamily, f.ID, 1, 0, f.Ends(), "", "", string(record), "mac"); err != nil {
			return err
		}
		go func() {
			if _, err := s.TakeCode(t.Context(), c.Hash, time.Now()); !errors.Is(err, store.ErrUsed) {
				t.Errorf("taken again: %v", err)
			}
			n, err := s.RevokeFamilies(t.Context(), store.FamilyFilter{ID: c.FamilyID}, time.Now())
			if err != nil {
				t.Error(err)
			}
			revoked <- n
		}()
		blocked(t, s, name, "UPDATE codes SET revoked")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := <-revoked; n != 1 {
		t.Errorf("%d families revoked, want the one that was being written", n)
	}
}

// TestA3FamilyWaitsForTheSecondUse: the other way round.
func TestA3FamilyWaitsForTheSecondUse(t *testing.T) {
	name, there := schema(t)
	s := open(t, there+" application_name="+name, Options{})
	defer closed(t, s)
	c, f := taken(t, s)
	put := make(chan error, 1)
	err := pgx.BeginFunc(t.Context(), s.db.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `UPDATE codes SET revoked = $2 WHERE hash = $1`, c.Hash, time.Now().Unix()); err != nil {
			return err
		}
		go func() { put <- s.PutFamily(t.Context(), f) }()
		blocked(t, s, name, "WITH code AS")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-put; !errors.Is(err, store.ErrConflict) {
		t.Errorf("error %v, want ErrConflict", err)
	}
}

// TestConflictsAreTriedAgain: what the database undid because of somebody else is
// nobody's failure, a few times.
func TestConflictsAreTriedAgain(t *testing.T) {
	other := errors.New("another")
	for _, test := range []struct {
		name  string
		err   error
		fails int
		tries int
		want  error
	}{
		{"no error", nil, 0, 1, nil},
		{"a deadlock", &pgconn.PgError{Code: deadlockDetected}, 1, 2, nil},
		{"two conflicts", &pgconn.PgError{Code: serializationFailure}, 2, 3, nil},
		{"a deadlock each time", &pgconn.PgError{Code: deadlockDetected}, 100, tries, &pgconn.PgError{}},
		{"something else", other, 1, 1, other},
	} {
		n := 0
		err := retry(func() error {
			if n++; n <= test.fails {
				return test.err
			}
			return nil
		})
		if n != test.tries || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v after %d tries, want %v after %d", test.name, err, n, test.want, test.tries)
		}
	}
}
