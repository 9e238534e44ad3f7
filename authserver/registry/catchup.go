package registry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// betweenReadings is how long after a reading on demand the next one begins at
	// the earliest: whatever is asked of a replica, it makes no more than fifty
	// small reads a second of it.
	betweenReadings = 20 * time.Millisecond
	// catchUpTimeout is how long a caller of CatchUp waits.
	catchUpTimeout = 2 * time.Second
)

var errBehind = errors.New("the store did not answer in time")

// CatchUp returns when the view has everything that was in the store when it was
// called. It is for whoever is about to refuse a caller because of the view: the
// other replica that knows better may have been faster than its notification.
//
// All who ask while a reading is under way share the next one, and readings keep
// a distance. So a flood of made-up clients costs the database next to nothing,
// and a client that is really there is found in the midst of it: nothing is
// counted per client, and nobody is turned away for others.
func (r *Registry) CatchUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, catchUpTimeout, errBehind)
	defer cancel()
	reading := r.demand.join(r.readOnDemand)
	select {
	case <-reading.done:
		return reading.err
	case <-ctx.Done():
		return fmt.Errorf("catch up with the store: %w", context.Cause(ctx))
	}
}

// readOnDemand belongs to no request: others wait for it too.
func (r *Registry) readOnDemand() error {
	ctx, cancel := context.WithTimeout(context.Background(), catchUpTimeout)
	defer cancel()
	if err := r.refresh(ctx); err != nil {
		return fmt.Errorf("catch up with the store: %w", err)
	}
	return nil
}

// demand gathers callers into readings.
type demand struct {
	mu   sync.Mutex
	next *reading // has not begun; nil: nobody waits for one
	busy bool     // somebody reads, or keeps the distance after it
}

type reading struct {
	done chan struct{}
	err  error // once done is closed
}

// join the next reading.
func (d *demand) join(read func() error) *reading {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.next == nil {
		d.next = &reading{done: make(chan struct{})}
	}
	if !d.busy {
		d.busy = true
		go d.serve(read)
	}
	return d.next
}

// serve reads as long as somebody asks.
func (d *demand) serve(read func() error) {
	for reading := d.begin(); reading != nil; reading = d.begin() {
		reading.err = read()
		close(reading.done)
		<-time.After(betweenReadings)
	}
}

// begin the next reading: who asks from now on waits for the one after it.
func (d *demand) begin() *reading {
	d.mu.Lock()
	defer d.mu.Unlock()
	begun := d.next
	d.next = nil
	d.busy = begun != nil
	return begun
}
