package plane

import (
	"context"
	"fmt"
	"net"
	"time"

	"clientele.dev/clientele/hack/internal/child"
)

// attempts: a free port is found by asking the kernel and letting go of it
// again, so another process can take it in between; then we try others.
const attempts = 3

// startReady runs what spec describes and waits until ready says nil. spec is
// asked anew for each attempt, so that it can choose other ports.
func startReady(ctx context.Context, spec func() (child.Spec, error), ready func(context.Context) error) (*child.Process, error) {
	for attempt := 1; ; attempt++ {
		s, err := spec()
		if err != nil {
			return nil, err
		}
		proc, err := child.Start(s)
		if err != nil {
			return nil, err
		}
		err = WaitReady(ctx, proc, readyWithin, ready)
		if err == nil {
			return proc, nil
		}
		ended := proc.Exit() != "still running"
		_ = proc.Stop()
		if !ended || attempt == attempts {
			return nil, err
		}
	}
}

// WaitReady asks ready until it returns nil. It gives up when the process
// ends, when the time is over, or with ctx; the error holds what ready said
// last, or the end of the log.
func WaitReady(ctx context.Context, proc *child.Process, within time.Duration, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		err := ready(ctx)
		select {
		case <-proc.Done(): // first, for what answered then was not this process
			return fmt.Errorf("%s ended before it was ready (%s); its log %s ends with:\n%s",
				proc.Name(), proc.Exit(), proc.Log(), child.Tail(proc.Log(), 12))
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-proc.Done(): // told in the next round
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready (%w): %v; log: %s", proc.Name(), ctx.Err(), err, proc.Log())
		case <-every.C:
		}
	}
}

// FreePort returns a TCP port of 127.0.0.1 that was free a moment ago.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
