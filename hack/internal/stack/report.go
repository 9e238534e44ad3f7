package stack

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// stillEvery is how long a step may be silent.
const stillEvery = 5 * time.Second

// Step is one numbered line of output.
type Step struct {
	Name string // what is being done, "start the operator"
	// Run returns what became of it, "operator ready".
	Run func(context.Context) (string, error)
}

// Reporter prints steps: "[3/9] API server ready (2.1 s)".
type Reporter struct {
	Out io.Writer
	Now func() time.Time
}

// All runs the steps in order, up to the first that fails.
func (r *Reporter) All(ctx context.Context, steps []Step) error {
	for i, s := range steps {
		if err := r.one(ctx, fmt.Sprintf("[%d/%d]", i+1, len(steps)), s); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reporter) one(ctx context.Context, number string, s Step) error {
	began := r.Now()
	stop := every(stillEvery, func() {
		r.Say("%s ... %s (%s so far)", number, s.Name, elapsed(r.Now().Sub(began)))
	})
	result, err := s.Run(ctx)
	stop()
	// A step fails by ctx when it was interrupted or a process died. Then the
	// cause is what a person needs, not "context canceled".
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("step %s \"%s\" failed after %s: %w", number, s.Name, elapsed(r.Now().Sub(began)), err)
	}
	r.Say("%s %s (%s)", number, result, elapsed(r.Now().Sub(began)))
	return nil
}

// Say prints a line.
func (r *Reporter) Say(format string, args ...any) {
	fmt.Fprintf(r.Out, format+"\n", args...)
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

// Indent sets text in by six columns, under its step.
func Indent(text string) string {
	text = strings.TrimRight(text, "\n")
	return "      " + strings.ReplaceAll(text, "\n", "\n      ")
}
