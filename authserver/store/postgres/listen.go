package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
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
			"error", withoutPassword(err, s.config), "again_in", backoff)
		select {
		case <-time.After(backoff):
		case <-ctx.Done():
		}
		backoff = min(2*backoff, listenBackoffMax)
	}
}

// hear notifications on a connection of its own until it breaks.
func (s *Store) hear(ctx context.Context, began func()) error {
	conn, err := pgx.ConnectConfig(ctx, s.config.Copy())
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
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		s.waiter.Wake()
	}
}
