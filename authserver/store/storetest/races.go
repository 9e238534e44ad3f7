package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"clientele.dev/clientele/authserver/store"
)

const racers = 50

// race starts all racers at once and waits for them.
func race(run func(i int)) { raceOf(racers, run) }

func raceOf(n int, run func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			run(i)
		})
	}
	close(start)
	all.Wait()
}

func raceCreate(t *testing.T, w *world) {
	var won atomic.Int64
	race(func(i int) {
		mine := owner(fmt.Sprintf("web-%d", i))
		c := client("shop.web", mine)
		_, err := w.store.ChangeClient(t.Context(), mine, "shop.web", func(e store.ExistingClients) (store.ClientChange, error) {
			if e.ByID != nil {
				return store.ClientChange{}, store.ErrClientIDTaken
			}
			return store.ClientChange{Put: &c}, nil
		})
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, store.ErrClientIDTaken):
			t.Errorf("racer %d: %v", i, err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d of %d created the client, want one", won.Load(), racers)
	}
}

// raceCounter: nobody's write is lost, and a stale one is refused.
func raceCounter(t *testing.T, w *world) {
	o := owner("web")
	first := client("shop.web", o)
	first.Registration.Managed.Counter = 0
	w.put(t, first)
	var stale atomic.Int64
	race(func(i int) {
		counter := int64(i/2 + 1) // each twice
		_, err := w.store.ChangeClient(t.Context(), o, "shop.web", func(e store.ExistingClients) (store.ClientChange, error) {
			if e.ByOwner.Registration.Managed.Counter >= counter {
				return store.ClientChange{}, store.ErrStale
			}
			c := client("shop.web", o)
			c.Registration.Managed.Counter = counter
			return store.ClientChange{Put: &c}, nil
		})
		switch {
		case errors.Is(err, store.ErrStale):
			stale.Add(1)
		case err != nil:
			t.Errorf("racer %d: %v", i, err)
		}
	})
	got, err := w.store.Client(t.Context(), "shop.web")
	if err != nil || got.Registration.Managed.Counter != racers/2 {
		t.Errorf("counter %+v, %v, want %d", got.Registration.Managed, err, racers/2)
	}
	if stale.Load() < racers/2 {
		t.Errorf("%d were refused as stale, want at least %d", stale.Load(), racers/2)
	}
}

func racePolicy(t *testing.T, w *world) {
	var won atomic.Int64
	race(func(i int) {
		p := samplePolicy("uid-1")
		p.Cluster = fmt.Sprintf("cluster-%d", i)
		_, err := w.store.ChangePolicy(t.Context(), "uid-1", func(existing *store.Policy) (store.PolicyChange, error) {
			if existing != nil {
				return store.PolicyChange{}, store.ErrOwnerMismatch
			}
			return store.PolicyChange{Put: &p}, nil
		})
		switch {
		case err == nil:
			won.Add(1)
		case !errors.Is(err, store.ErrOwnerMismatch):
			t.Errorf("racer %d: %v", i, err)
		}
	})
	if won.Load() != 1 {
		t.Errorf("%d of %d put the policy, want one", won.Load(), racers)
	}
}

// cancelled: a caller that goes away leaves a whole change or none, and a store
// that the next one can use.
func cancelled(t *testing.T, w *world) {
	race(func(i int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		old, fresh := client(fmt.Sprintf("a.%d", i), owner(fmt.Sprint(i))), client(fmt.Sprintf("b.%d", i), owner(fmt.Sprint(i)))
		w.put(t, old)
		_, err := w.store.ChangeClient(ctx, owner(fmt.Sprint(i)), fresh.Registration.ClientID, func(store.ExistingClients) (store.ClientChange, error) {
			cancel()
			return store.ClientChange{Delete: old.Registration.ClientID, Put: &fresh}, nil
		})
		seen := w.existing(t, owner(fmt.Sprint(i)), "none")
		switch {
		case seen.ByOwner == nil:
			t.Errorf("owner %d has no client, with error %v", i, err)
		case err == nil && seen.ByOwner.Registration.ClientID != fresh.Registration.ClientID:
			t.Errorf("owner %d: no error, and the change is not there", i)
		}
	})
	if n := len(w.changes(t, 0).Clients); n != racers {
		t.Errorf("%d clients, want one for each of %d owners", n, racers)
	}
}
