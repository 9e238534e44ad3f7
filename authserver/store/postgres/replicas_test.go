package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// put a client.
func put(t *testing.T, s *Store, id string) int64 {
	t.Helper()
	revision, err := s.ChangeClient(t.Context(), oauth.Owner{}, id, func(store.ExistingClients) (store.ClientChange, error) {
		return store.ClientChange{Put: &store.Client{Registration: oauth.Registration{ClientID: id}}}, nil
	})
	if err != nil {
		t.Fatalf("put: %v", err)
	}
	return revision
}

func bind(t *testing.T, s *Store) string {
	t.Helper()
	id, _, err := s.Bind(t.Context(), "keys")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// changed waits for a change and says what it is.
func changed(t *testing.T, s *Store, id string, since int64) store.Changes {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for {
		if err := s.Await(ctx, since); err != nil {
			t.Fatalf("nobody woke up: %v", err)
		}
		ch, err := s.Changes(ctx, id, since)
		if err != nil {
			t.Fatal(err)
		}
		if ch.Full || ch.Revision != since {
			return ch
		}
	}
}

// listening waits until the store's listener is there.
func listening(t *testing.T, s *Store) {
	t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.After(3 * time.Minute); ; {
		var n int
		const q = `SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN clientele' AND application_name = $1`
		if err := s.db.pool.QueryRow(t.Context(), q, s.target.pool().ConnConfig.RuntimeParams["application_name"]).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n == 1 {
			return
		}
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatal("nobody listens")
		}
	}
}

// never polls: what is seen is seen by notification.
var never = Options{Poll: time.Hour, Linger: time.Hour}

func TestReplicasSeeEachOthersChangesAtOnce(t *testing.T) {
	_, there := schema(t)
	here, other := open(t, there+" application_name="+t.Name(), never), open(t, there, never)
	defer closed(t, here)
	defer closed(t, other)
	id := bind(t, here)
	if again := bind(t, other); again != id {
		t.Fatalf("two replicas, stores %q and %q", id, again)
	}
	listening(t, here)
	since := put(t, other, "first")
	for _, test := range []struct {
		name   string
		change func() int64
	}{
		{"a replica", func() int64 { return put(t, other, "a") }},
		{"this replica", func() int64 { return put(t, here, "b") }},
		{"psql", func() int64 { exec(t, there, `UPDATE clients SET mac = 'forged' WHERE client_id = 'a'`); return 0 }},
	} {
		woken := make(chan store.Changes, 1)
		go func() { woken <- changed(t, here, id, since) }()
		start := time.Now()
		revision := test.change()
		ch := <-woken
		t.Logf("a change by %s was seen after %v", test.name, time.Since(start))
		if len(ch.Clients) != 1 || ch.Full || revision != 0 && ch.Revision != revision {
			t.Errorf("%s: told %+v", test.name, ch)
		}
		since = ch.Revision
	}
}

// TestListeningAgain: the listener's connection breaks, something changes, and is
// told as soon as there is a listener again.
func TestListeningAgain(t *testing.T) {
	_, there := schema(t)
	here, other := open(t, there+" application_name="+t.Name(), never), open(t, there, never)
	defer closed(t, here)
	defer closed(t, other)
	id := bind(t, here)
	since := put(t, other, "first")
	listening(t, here)
	woken := make(chan store.Changes, 1)
	go func() { woken <- changed(t, here, id, since) }()
	exec(t, "", `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE query = 'LISTEN clientele' AND application_name = '`+t.Name()+`'`)
	put(t, other, "while nobody listened")
	if ch := <-woken; len(ch.Clients) != 1 {
		t.Errorf("told %+v", ch)
	}
}

// TestPollingIsEnough: where no notification comes through.
func TestPollingIsEnough(t *testing.T) {
	_, there := schema(t)
	here, other := open(t, there, Options{Poll: 5 * time.Millisecond, Linger: time.Hour}), open(t, there, never)
	defer closed(t, here)
	defer closed(t, other)
	id := bind(t, here)
	exec(t, there, `ALTER TABLE meta DISABLE TRIGGER moved`)
	since := put(t, other, "first")
	woken := make(chan store.Changes, 1)
	go func() { woken <- changed(t, here, id, since) }()
	put(t, other, "quietly")
	if ch := <-woken; len(ch.Clients) != 1 {
		t.Errorf("told %+v", ch)
	}
}

func TestReplicasStartTogether(t *testing.T) {
	_, there := schema(t)
	var all sync.WaitGroup
	ids := make([]string, 5)
	var wiped atomic.Int64
	for i := range ids {
		all.Go(func() {
			s := open(t, there, Options{})
			defer closed(t, s)
			id, w, err := s.Bind(t.Context(), "keys")
			if err != nil {
				t.Error(err)
			}
			if w {
				wiped.Add(1)
			}
			ids[i] = id
		})
	}
	all.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Errorf("store ids %q, want one", ids)
			break
		}
	}
	if wiped.Load() != 0 {
		t.Error("an empty store was wiped")
	}
}

// TestARestartIsNoLoss: unlike an opened file, a database that is opened again has
// lost nothing, and nobody reads everything because one replica restarted.
func TestARestartIsNoLoss(t *testing.T) {
	_, there := schema(t)
	here := open(t, there, Options{})
	defer closed(t, here)
	id := bind(t, here)
	since := put(t, here, "a")
	for range 2 {
		other := open(t, there, Options{})
		bind(t, other)
		closed(t, other)
	}
	if ch, err := here.Changes(t.Context(), id, since); err != nil || ch.Full || ch.Revision != since {
		t.Errorf("a restart elsewhere: %+v, %v", ch, err)
	}
}

// TestA4ReplicasRefreshTogether: 64 refreshes at two replicas, one successor.
func TestA4ReplicasRefreshTogether(t *testing.T) {
	_, there := schema(t)
	replicas := []*Store{open(t, there, Options{}), open(t, there, Options{})}
	for _, s := range replicas {
		defer closed(t, s)
	}
	f := store.Family{ID: "f", Generation: 1, Expires: time.Now().Add(time.Hour)}
	if err := replicas[0].PutFamily(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	f.Generation = 2
	var all sync.WaitGroup
	var won atomic.Int64
	for i := range 64 {
		all.Go(func() {
			err := replicas[i%2].AdvanceFamily(t.Context(), 1, f)
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, store.ErrConflict) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 64 moved the family on, want one", won.Load())
	}
}
