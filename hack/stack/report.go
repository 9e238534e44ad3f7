package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// stillEvery is how long a step may be silent.
const stillEvery = 5 * time.Second

// step is one numbered line of output.
type step struct {
	name string // what is being done, "start the operator"
	// run returns what became of it, "operator ready".
	run func(context.Context) (string, error)
}

// reporter prints steps: "[3/9] API server ready (2.1 s)".
type reporter struct {
	out io.Writer
	now func() time.Time
}

// all runs the steps in order, up to the first that fails.
func (r *reporter) all(ctx context.Context, steps []step) error {
	for i, s := range steps {
		if err := r.one(ctx, fmt.Sprintf("[%d/%d]", i+1, len(steps)), s); err != nil {
			return err
		}
	}
	return nil
}

func (r *reporter) one(ctx context.Context, number string, s step) error {
	began := r.now()
	stop := every(stillEvery, func() {
		r.say("%s ... %s (%s so far)", number, s.name, elapsed(r.now().Sub(began)))
	})
	result, err := s.run(ctx)
	stop()
	// A step fails by ctx when it was interrupted or a process died. Then the
	// cause is what a person needs, not "context canceled".
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("step %s \"%s\" failed after %s: %w", number, s.name, elapsed(r.now().Sub(began)), err)
	}
	r.say("%s %s (%s)", number, result, elapsed(r.now().Sub(began)))
	return nil
}

func (r *reporter) say(format string, args ...any) {
	fmt.Fprintf(r.out, format+"\n", args...)
}

func elapsed(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// every calls f again and again until the returned function is called, which
// waits for a running f.
func every(d time.Duration, f func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(d)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}
