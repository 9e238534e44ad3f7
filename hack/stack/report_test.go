package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// clock goes on by one second each time it is asked.
func clock() func() time.Time {
	at := time.Unix(0, 0)
	return func() time.Time { at = at.Add(time.Second); return at }
}

func TestReporterNumbersStepsAndStopsAtTheFirstFailure(t *testing.T) {
	var out bytes.Buffer
	r := &reporter{out: &out, now: clock()}
	ran := 0
	fine := func(context.Context) (string, error) { ran++; return "fine", nil }
	broken := func(context.Context) (string, error) { ran++; return "", errors.New("no luck") }
	err := r.all(t.Context(), []step{{"do one", fine}, {"do two", broken}, {"do three", fine}})
	if ran != 2 {
		t.Errorf("%d steps ran, want 2", ran)
	}
	if got, want := out.String(), "[1/3] fine (1.0 s)\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	if want := `step [2/3] "do two" failed after 1.0 s: no luck`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestReporterTellsWhyTheContextEnded(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := &reporter{out: &bytes.Buffer{}, now: clock()}
	err := r.all(ctx, []step{{"wait", func(ctx context.Context) (string, error) {
		cancel(errInterrupted)
		return "", ctx.Err()
	}}})
	if !errors.Is(err, errInterrupted) || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("error %v, want errInterrupted", err)
	}
}
