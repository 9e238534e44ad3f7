package sqlstore

import (
	"context"
	"sync"
	"time"
)

// Waiter is where callers wait for another revision. Make it with NewWaiter.
type Waiter struct {
	poll, linger time.Duration

	mu     sync.Mutex
	moved  chan struct{} // closed when the revision probably moved on
	closed bool
}

// NewWaiter makes a Waiter that looks by itself every poll and lets go after
// linger.
func NewWaiter(poll, linger time.Duration) *Waiter {
	return &Waiter{poll: poll, linger: linger, moved: make(chan struct{})}
}

// Await returns when the revision of q is no longer since, after the linger time,
// or when the Waiter is closed. It returns the context's error if that ends first.
func (w *Waiter) Await(ctx context.Context, q Querier, since int64) error {
	linger := time.NewTimer(w.linger)
	defer linger.Stop()
	poll := time.NewTicker(w.poll)
	defer poll.Stop()
	for {
		moved, closed := w.watch()
		if closed {
			return nil
		}
		// Read after watch, so that no commit falls between the two.
		now, err := Revision(ctx, q)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || now != since {
			return err
		}
		select {
		case <-moved:
		case <-linger.C:
			return nil
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (w *Waiter) watch() (moved <-chan struct{}, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moved, w.closed
}

// Wake whoever waits: the revision probably moved on.
func (w *Waiter) Wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		close(w.moved)
		w.moved = make(chan struct{})
	}
}

// Close lets everybody go, for good.
func (w *Waiter) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		w.closed = true
		close(w.moved)
	}
}
