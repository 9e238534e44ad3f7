package authserver

import (
	"context"
	"fmt"
	"time"
)

// keepEnding carries out what the local users document takes away, as soon as one
// comes into force, until ctx ends. Requests do not wait for it: people who may not
// sign in are refused from then on anyway. Every replica does it, so that it does not
// matter which hears of it first, or is stopped in between.
func (s *Server) keepEnding(ctx context.Context) {
	wait := firstRetry
	look := time.NewTimer(0)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.options.Users.EndingsTold():
		case <-look.C:
		}
		next := sweepEvery
		if err := s.carryOut(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("somebody whom the local users document disables or gives another password is not signed out for good yet", "error", err, "retry_in", wait.String())
			next, wait = wait, min(2*wait, lastRetry)
		} else {
			wait = firstRetry
		}
		look.Reset(next)
	}
}

// carryOut carries out the endings of the moment, up to the first that fails: the
// store does, most often, and the order is another one each time.
func (s *Server) carryOut(ctx context.Context) error {
	now := s.options.Now()
	for _, ending := range s.options.Users.Endings(now) {
		if _, err := s.handler.EndAccess(ctx, ending); err != nil {
			return fmt.Errorf("%s: %w", ending.Subject, err)
		}
		s.options.Users.Ended(ending, now)
	}
	return nil
}
