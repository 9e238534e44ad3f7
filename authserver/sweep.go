package authserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"clientele.dev/clientele/authserver/audit"
)

// sweepEvery is how often what has expired is removed; each replica does it.
const sweepEvery = time.Minute

// keepSwept sweeps until ctx ends.
func (s *Server) keepSwept(ctx context.Context) {
	s.keep(ctx, sweepEvery, "sweep of what has expired", s.Sweep)
}

// mostSweeps of the store in a row: more than what a flood of requests can leave
// behind in a minute.
const mostSweeps = 100

// Sweep removes what has expired, as the server does by itself every minute: the
// store's records, a bounded number of them, and clients that registered
// themselves and that nobody uses.
func (s *Server) Sweep(ctx context.Context) error {
	v := s.health.View()
	if v == nil || !s.health.loaded(v) {
		return nil
	}
	s.incomplete.look(s.registry.Complete(), s.options.Now(), s.log)
	err := s.sweepStore(ctx)
	settings := v.Settings.Registration.WithDefaults()
	expired, sweepErr := s.registry.SweepSelf(ctx, settings.UnusedFor, settings.IdleFor)
	if sweepErr != nil {
		err = errors.Join(err, fmt.Errorf("remove unused clients: %w", sweepErr))
	}
	for _, id := range expired {
		s.audit.Write(ctx, audit.ClientExpired, slog.String("client_id", id))
	}
	return err
}

// sweepStore until nothing is left, in small steps that let others in between.
func (s *Server) sweepStore(ctx context.Context) error {
	for range mostSweeps {
		n, err := s.options.Store.Sweep(ctx, s.options.Now())
		if err != nil {
			return fmt.Errorf("sweep the store: %w", err)
		}
		if n == 0 {
			return nil
		}
	}
	return nil
}
