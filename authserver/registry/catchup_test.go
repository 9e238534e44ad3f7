package registry

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

// counting is a store that counts its readers, and lets them wait.
type counting struct {
	store.Store
	readings atomic.Int64
	wait     atomic.Pointer[chan struct{}]
}

func (c *counting) Changes(ctx context.Context, storeID string, since int64) (store.Changes, error) {
	c.readings.Add(1)
	if wait := c.wait.Load(); wait != nil {
		select {
		case <-*wait:
		case <-ctx.Done():
			return store.Changes{}, ctx.Err()
		}
	}
	return c.Store.Changes(ctx, storeID, since)
}

// twins are a registry and another one on the same store that nobody keeps fresh.
func twins(t *testing.T) (w *world, behind *Registry, c *counting) {
	t.Helper()
	w = newWorld(t)
	c = &counting{Store: w.store}
	behind = New(Options{Store: c, Keys: func() credential.ServerKeys { return w.Keys() }, Now: w.now})
	if err := behind.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w, behind, c
}

func TestCatchUp(t *testing.T) {
	w, behind, _ := twins(t)
	w.register(t, reg("web"))
	if _, ok := behind.Client("shop.web"); ok {
		t.Fatal("the view is not behind")
	}
	if err := behind.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := behind.Client("shop.web"); !ok {
		t.Error("the view is still behind")
	}
}

// TestAFloodCausesFewReadings: for made-up clients, and the one that is really
// there is found among them.
func TestAFloodCausesFewReadings(t *testing.T) {
	w, behind, c := twins(t)
	c.readings.Store(0)
	began := time.Now()
	var flood sync.WaitGroup
	for range 500 {
		flood.Go(func() {
			for range 4 {
				if err := behind.CatchUp(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	w.register(t, reg("web"))
	if err := behind.CatchUp(t.Context()); err != nil {
		t.Error(err)
	}
	if _, ok := behind.Client("shop.web"); !ok {
		t.Error("not found in the midst of a flood")
	}
	flood.Wait()
	if n, most := c.readings.Load(), int64(time.Since(began)/betweenReadings)+2; n > most {
		t.Errorf("%d readings for 2,000 callers, want %d at most", n, most)
	}
}

// TestACallerIsServedByAReadingThatBeganAfterIt: one under way may have missed
// what the caller came for.
func TestACallerIsServedByAReadingThatBeganAfterIt(t *testing.T) {
	w, behind, c := twins(t)
	wait := make(chan struct{})
	c.wait.Store(&wait)
	c.readings.Store(0)
	var first, second sync.WaitGroup
	first.Go(func() { _ = behind.CatchUp(t.Context()) })
	for tick := time.NewTicker(time.Millisecond); c.readings.Load() == 0; <-tick.C {
	}
	w.register(t, reg("web"))
	second.Go(func() {
		if err := behind.CatchUp(t.Context()); err != nil {
			t.Error(err)
		}
		if _, ok := behind.Client("shop.web"); !ok || c.readings.Load() != 2 {
			t.Errorf("client there: %v, after %d readings", ok, c.readings.Load())
		}
	})
	close(wait)
	first.Wait()
	second.Wait()
}

// TestNobodyWaitsForAStoreThatHangs longer than a while, and its silence is no
// answer.
func TestNobodyWaitsForAStoreThatHangs(t *testing.T) {
	_, behind, c := twins(t)
	never := make(chan struct{})
	c.wait.Store(&never)
	began := time.Now()
	if err := behind.CatchUp(t.Context()); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that the store did not answer", err)
	}
	if took := time.Since(began); took > 10*catchUpTimeout {
		t.Errorf("waited %v", took)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := behind.CatchUp(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that went away: %v", err)
	}
}
