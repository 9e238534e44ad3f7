package authserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/store"
)

// sweepEvery is how often what has expired is removed; each replica does it.
const sweepEvery = time.Minute

// keepSwept sweeps until ctx ends.
func (s *Server) keepSwept(ctx context.Context) {
	s.keep(ctx, sweepEvery, "sweep of what has expired", s.Sweep)
}

// Sweep removes what has expired, as the server does by itself every minute: the
// store's records, a bounded number of them, and clients that registered
// themselves and that nobody uses.
func (s *Server) Sweep(ctx context.Context) error {
	v := s.health.View()
	if v == nil || !s.health.loaded(v) {
		return nil
	}
	_, err := s.options.Store.Sweep(ctx, s.options.Now())
	if err != nil {
		err = fmt.Errorf("sweep the store: %w", err)
	}
	settings := v.Settings.Registration.WithDefaults()
	expired, sweepErr := s.registry.SweepSelf(ctx, settings.UnusedFor, settings.IdleFor)
	if sweepErr != nil {
		err = errors.Join(err, fmt.Errorf("remove unused clients: %w", sweepErr))
	}
	for _, id := range expired {
		s.audit.Write(ctx, audit.ClientExpired, slog.String("client_id", id))
		if _, revokeErr := s.options.Store.RevokeFamilies(ctx, store.FamilyFilter{ClientID: id}, s.options.Now()); revokeErr != nil {
			err = errors.Join(err, fmt.Errorf("revoke the refresh tokens of client %s: %w", id, revokeErr))
		}
	}
	return err
}
