package stack

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
	r := &Reporter{Out: &out, Now: clock()}
	ran := 0
	fine := func(context.Context) (string, error) { ran++; return "fine", nil }
	broken := func(context.Context) (string, error) { ran++; return "", errors.New("no luck") }
	err := r.All(t.Context(), []Step{{"do one", fine}, {"do two", broken}, {"do three", fine}})
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
	interrupted := errors.New("interrupted")
	ctx, cancel := context.WithCancelCause(t.Context())
	r := &Reporter{Out: &bytes.Buffer{}, Now: clock()}
	err := r.All(ctx, []Step{{"wait", func(ctx context.Context) (string, error) {
		cancel(interrupted)
		return "", ctx.Err()
	}}})
	if !errors.Is(err, interrupted) || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("error %v, want interrupted", err)
	}
}
