package postgres

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// Between attempts to listen again.
const (
	listenBackoffMin = 50 * time.Millisecond
	listenBackoffMax = 10 * time.Second
)

// listen until the context ends. Waiters are woken whenever listening begins: what
// happened before was not heard.
func (s *Store) listen(ctx context.Context) {
	backoff := listenBackoffMin
	for ctx.Err() == nil {
		err := s.hear(ctx, func() { backoff = listenBackoffMin })
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("not listening for changes of other replicas, polling instead",
			"error", err, "again_in", backoff)
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
		}
		backoff = min(2*backoff, listenBackoffMax)
	}
}

// errMoved ends connections to the hosts of before.
var errMoved = errors.New("the connection string names other hosts now")

// hear notifications on a connection of its own until it breaks or the hosts change.
func (s *Store) hear(ctx context.Context, began func()) error {
	conn, left, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, `LISTEN clientele`); err != nil {
		return err
	}
	began()
	s.waiter.Wake()
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-left:
			cancel(errMoved)
		case <-waiting.Done():
		}
	}()
	for {
		if _, err := conn.WaitForNotification(waiting); err != nil {
			return cmp.Or(context.Cause(waiting), err)
		}
		s.waiter.Wake()
	}
}
