package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"clientele.dev/clientele/authserver/store"
)

var familyRaces = []test{
	{"A4 one of 64 refreshes moves the family on", a4Race},
	{"A4 64 parallel refreshes, again and again", a4Chain},
	{"A4 a refresh against a revocation", a4RevokeRace},
	{"A4 revocations against each other", a4Revocations},
}

// a4Race: what is stored is what the one that won had in mind.
func a4Race(t *testing.T, w *world) {
	f := w.putFamily(t, family("f"))
	var won atomic.Int64
	var winner atomic.Value
	raceOf(64, func(i int) {
		mine := next(f)
		mine.Current = fmt.Sprintf("v1:racer-%d", i)
		err := w.store.AdvanceFamily(t.Context(), 1, mine)
		switch {
		case err == nil:
			won.Add(1)
			winner.Store(mine)
		case !errors.Is(err, store.ErrConflict):
			t.Errorf("racer %d: %v", i, err)
		}
	})
	if won.Load() != 1 {
		t.Fatalf("%d of 64 moved the family on, want one", won.Load())
	}
	w.wantFamily(t, winner.Load().(store.Family))
}

// a4Chain: each reads and tries to move on, as the grant does. The generation is
// then how often somebody was told that it worked.
func a4Chain(t *testing.T, w *world) {
	w.putFamily(t, family("f"))
	var won atomic.Int64
	raceOf(64, func(i int) {
		f, err := w.store.Family(t.Context(), "f")
		if err != nil {
			t.Errorf("racer %d: %v", i, err)
			return
		}
		err = w.store.AdvanceFamily(t.Context(), f.Generation, next(f))
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, store.ErrConflict):
			t.Errorf("racer %d: %v", i, err)
		}
	})
	f, err := w.store.Family(t.Context(), "f")
	if err != nil || f.Generation != won.Load()+1 {
		t.Errorf("generation %d after %d refreshes, %v", f.Generation, won.Load(), err)
	}
}

// a4RevokeRace: however it goes, the family is revoked in the end, and nobody
// moves it on afterwards.
func a4RevokeRace(t *testing.T, w *world) {
	for i := range 10 {
		id := fmt.Sprintf("f-%d", i)
		f := w.putFamily(t, family(id))
		var won atomic.Int64
		raceOf(4, func(i int) {
			if i == 0 {
				if n := w.revoke(t, store.FamilyFilter{ID: id}); n != 1 {
					t.Errorf("%d revoked, want 1", n)
				}
				return
			}
			err := w.store.AdvanceFamily(t.Context(), 1, next(f))
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, store.ErrConflict) {
				t.Error(err)
			}
		})
		got, err := w.store.Family(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if got.Revoked.IsZero() || got.Generation != 1+won.Load() || won.Load() > 1 {
			t.Errorf("generation %d, revoked %v, with %d refreshes that worked", got.Generation, got.Revoked, won.Load())
		}
		if err := w.store.AdvanceFamily(t.Context(), got.Generation, next(got)); !errors.Is(err, store.ErrConflict) {
			t.Errorf("moved on after it was revoked: %v", err)
		}
	}
}

// a4Revocations: each family is counted by one of them, and none stands in
// another's way.
func a4Revocations(t *testing.T, w *world) {
	const families = 40
	for i := range families {
		f := family(fmt.Sprintf("f-%d", i))
		f.Grant.Subject = fmt.Sprintf("user:%d", i%4)
		w.putFamily(t, f)
	}
	var revoked atomic.Int64
	raceOf(16, func(i int) {
		filter := store.FamilyFilter{Subject: fmt.Sprintf("user:%d", i%4)}
		if i%2 == 0 {
			filter = store.FamilyFilter{ClientID: "shop.web"}
		}
		revoked.Add(int64(w.revoke(t, filter)))
	})
	if revoked.Load() != families {
		t.Errorf("%d revoked, want %d", revoked.Load(), families)
	}
}
