package authserver

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/signin"
)

// keepEnding carries out what the local users document takes away, as soon as one
// comes into force, until ctx ends. Requests do not wait for it: people who may not
// sign in are refused from then on anyway. Every replica does it, so that it does not
// matter which hears of it first, or is stopped in between. What a registrar ended is
// ended once more by the replica that was asked.
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
			s.log.Error("somebody whom the local users document disables or gives another password, or whom a registrar signed out, is not signed out for good yet", "error", err, "retry_in", wait.String())
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
	account := signin.Account{Consents: s.options.Store, Families: s.options.Store, Sessions: signin.Sessions{Store: s.options.Store}}
	for _, ending := range s.options.Users.Endings(now) {
		ended, err := account.End(ctx, ending, now)
		if ended != (signin.Ended{}) {
			s.audit.Write(ctx, audit.AccessEnded, slog.String("subject", ending.Subject), slog.String("cause", causeOf(ending)),
				slog.Int("sessions", ended.Sessions), slog.Int("families", ended.Families))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", ending.Subject, err)
		}
		s.options.Users.Ended(ending, now)
	}
	return nil
}

func causeOf(e signin.Ending) string {
	switch {
	case !e.Before.IsZero():
		return "registrar"
	case e.Keep == "":
		return "disabled"
	}
	return "password reset"
}
