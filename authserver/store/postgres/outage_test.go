package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/authserver/store/storetest"
)

// TestF8Outage: while the database is away every answer is a failure, never "not
// found"; when it is back, so is the store, and who waits is told of changes.
func TestF8Outage(t *testing.T) {
	own := started(t, pgtest.Start)
	replica := func() *Store {
		s, err := Open(t.Context(), Options{DSN: own.DSN("connect_timeout=20"), Now: time.Now, Poll: time.Hour, Linger: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return storetest.Sign(s)
	}
	here, other := replica(), replica()
	defer closed(t, here)
	defer closed(t, other)
	id := bind(t, here)
	since := put(t, here, "a")
	if err := here.PutFamily(t.Context(), store.Family{ID: "f", Generation: 1, Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}

	if err := own.End(); err != nil {
		t.Fatal(err)
	}
	fails(t, here, id, since)

	if err := own.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f, err := here.Family(t.Context(), "f"); err != nil || f.Generation != 1 {
		t.Errorf("family %+v, %v", f, err)
	}
	woken := make(chan store.Changes, 1)
	go func() { woken <- changed(t, here, id, since) }()
	put(t, other, "b")
	if ch := <-woken; ch.Full || len(ch.Clients) != 1 {
		t.Errorf("told %+v, want the one change", ch)
	}
}

// fails says whether all that is asked of a store whose database is away fails soon,
// and as an outage.
func fails(t *testing.T, s *Store, id string, since int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, ask := range map[string]func() error{
		"client":  func() error { _, err := s.Client(ctx, "a"); return err },
		"family":  func() error { _, err := s.Family(ctx, "f"); return err },
		"advance": func() error { return s.AdvanceFamily(ctx, 1, store.Family{ID: "f", Generation: 2}) },
		"code":    func() error { _, err := s.TakeCode(ctx, "hash", time.Now()); return err },
		"token":   func() error { _, err := s.TokenRevoked(ctx, "jti"); return err },
		"changes": func() error { _, err := s.Changes(ctx, id, since); return err },
		"await":   func() error { return s.Await(ctx, since) },
	} {
		err := ask()
		if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrNotBound) {
			t.Errorf("%s: error %v, want a failure", name, err)
		}
	}
	if ctx.Err() != nil {
		t.Error("the failures took longer than a minute")
	}
}
