package storetest

import (
	"sync/atomic"
	"testing"
	"time"
)

var attemptTests = []test{
	{"attempts are counted by key and start again", attempts},
	{"A16 SQL in the key of an attempt", a16Attempts},
	{"A17 64 parallel guesses are 64", a17Race},
	{"A17 64 parallel guesses when the window ends", a17Window},
}

const window = 5 * time.Minute

func (w *world) count(t *testing.T, key string, now time.Time) int {
	t.Helper()
	n, err := w.store.CountAttempt(t.Context(), key, now, window)
	if err != nil {
		t.Error(err)
	}
	return n
}

func (w *world) wantAttempts(t *testing.T, key string, now time.Time, want int) {
	t.Helper()
	if n, err := w.store.Attempts(t.Context(), key, now); err != nil || n != want {
		t.Errorf("%d attempts, %v, want %d", n, err, want)
	}
}

func attempts(t *testing.T, w *world) {
	w.wantAttempts(t, "a", sampleTime, 0)
	for i := 1; i <= 3; i++ {
		if n := w.count(t, "a", sampleTime.Add(time.Duration(i-1)*time.Minute)); n != i {
			t.Errorf("attempt %d is counted as %d", i, n)
		}
	}
	w.wantAttempts(t, "b", sampleTime, 0)
	// The window counts from the first attempt, whatever came later, to the
	// millisecond.
	w.wantAttempts(t, "a", sampleTime.Add(window-time.Millisecond), 3)
	w.wantAttempts(t, "a", sampleTime.Add(window), 0)
	if n := w.count(t, "a", sampleTime.Add(window)); n != 1 {
		t.Errorf("the first of the next window is counted as %d", n)
	}
	w.wantAttempts(t, "a", sampleTime.Add(2*window-time.Millisecond), 1)
	for range 2 {
		if err := w.store.ClearAttempts(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
	}
	w.wantAttempts(t, "a", sampleTime.Add(window), 0)
	for _, text := range hostile {
		if n := w.count(t, text, sampleTime); n != 1 {
			t.Errorf("the first of %q is counted as %d", text, n)
		}
	}
}

func a16Attempts(t *testing.T, w *world) {
	for _, text := range hostile {
		w.count(t, text, sampleTime)
		w.count(t, text, sampleTime)
	}
	for i, text := range hostile {
		w.wantAttempts(t, text, sampleTime, 2)
		if err := w.store.ClearAttempts(t.Context(), text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		w.wantAttempts(t, text, sampleTime, 0)
		for _, other := range hostile[i+1:] {
			w.wantAttempts(t, other, sampleTime, 2)
		}
	}
}

// a17Race: each is told another number, so that a limit is a limit.
func a17Race(t *testing.T, w *world) {
	var told [65]atomic.Int64
	raceOf(64, func(int) { told[min(w.count(t, "a", sampleTime), 64)].Add(1) })
	for n := 1; n <= 64; n++ {
		if told[n].Load() != 1 {
			t.Errorf("%d were told that they are number %d", told[n].Load(), n)
		}
	}
	w.wantAttempts(t, "a", sampleTime, 64)
}

func a17Window(t *testing.T, w *world) {
	for range 5 {
		w.count(t, "a", sampleTime)
	}
	var first atomic.Int64
	raceOf(64, func(int) {
		if w.count(t, "a", sampleTime.Add(window)) == 1 {
			first.Add(1)
		}
	})
	if first.Load() != 1 {
		t.Errorf("%d were the first of the next window", first.Load())
	}
	w.wantAttempts(t, "a", sampleTime.Add(window), 64)
}
