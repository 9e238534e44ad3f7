package authserver

import (
	"context"
	"fmt"
	"time"
)

// keepEnding carries out what a local users document takes away, as soon as the document
// is in force, until ctx ends. Requests do not wait for it: the Roster refuses these
// people from then on anyway. Every replica does it, so that it does not matter which
// reads the document first, or is stopped in between.
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
			s.log.Error("a local user who was disabled, or whose password was reset, is not signed out of everything yet", "error", err, "retry_in", wait.String())
			next, wait = wait, min(2*wait, lastRetry)
		} else {
			wait = firstRetry
		}
		look.Reset(next)
	}
}

// carryOut carries out what is due, up to the first failure: the store fails as a whole,
// most often, and the order differs each time.
func (s *Server) carryOut(ctx context.Context) error {
	for _, ending := range s.options.Users.Endings() {
		if _, err := s.handler.EndAccess(ctx, ending); err != nil {
			return fmt.Errorf("%s: %w", ending.Subject, err)
		}
		s.options.Users.Ended(ending)
	}
	return nil
}
