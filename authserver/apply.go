package authserver

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/outbound"
)

// How long to wait after a snapshot could not be put into force.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// Apply puts a snapshot into force: requests that begin afterwards work with it.
// Parts that are nil stay as they are. On an error what it could not put into
// force is tried again by Run.
//
//  1. merge it with what is known
//  2. publish the new view; with other server keys nothing is issued yet
//  3. load the registry with the server keys
//  4. tell by the lease which signing keys are served now
func (s *Server) Apply(ctx context.Context, next Snapshot) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	// 1.
	s.known = merge(s.known, next)
	s.health.waiting.Store(&next.Waiting)
	if s.known.ServerKeys != nil {
		s.serverKeys.Store(s.known.ServerKeys)
	}
	if s.known.Settings == nil {
		return nil
	}
	// 2.
	v := s.health.view.Load()
	if !s.inForce(v) {
		var err error
		if v, err = s.newView(); err != nil {
			return fmt.Errorf("the new settings or keys are of no use, the old ones stay in force: %w", err)
		}
		s.tellChanges(s.health.view.Swap(v), v)
		s.setOutbound(v)
	}
	s.health.users.set(next.Users, sameUsers) // after the view: whoever hears of it asks for the metadata
	// 3.
	if err := s.load(ctx, v); err != nil {
		return err
	}
	// 4.
	if s.lease.tells(v.KeySetRevision) && s.lease.holds(s.options.Now()) {
		return nil
	}
	if err := s.lease.renew(ctx, v.KeySetRevision); err != nil {
		return fmt.Errorf("renew the replica's lease: %w", err)
	}
	return nil
}

// sameUsers: equal reports have equal digests.
func sameUsers(last, next *oauth.UsersReport) bool { return last.Digest == next.Digest }

func merge(known, next Snapshot) Snapshot {
	if next.Settings != nil {
		known.Settings = next.Settings
	}
	if next.Signing != nil {
		known.Signing = next.Signing
	}
	if next.ServerKeys != nil {
		known.ServerKeys = next.ServerKeys
	}
	return known
}

// inForce says that a view is made of what is known: objects change in ways that
// do not matter here (their status, above all).
func (s *Server) inForce(v *endpoint.View) bool {
	if v == nil || !v.Settings.Equal(*s.known.Settings) {
		return false
	}
	if s.known.Signing != nil && s.known.Signing.Revision() != v.KeySetRevision {
		return false
	}
	return s.known.ServerKeys == nil || v.SameServerKeys(*s.known.ServerKeys)
}

// setOutbound tells the clients that fetch what the view permits; newView parsed it
// before.
func (s *Server) setOutbound(v *endpoint.View) {
	if s.options.Outbound == nil {
		return
	}
	if allow, err := outbound.ParseAllow(v.Settings.OutboundAllow); err == nil {
		s.options.Outbound.Set(allow)
	}
}

func (s *Server) newView() (*endpoint.View, error) {
	if _, err := outbound.ParseAllow(s.known.Settings.OutboundAllow); err != nil {
		return nil, fmt.Errorf("outboundAllow: %w", err)
	}
	c := endpoint.ViewConfig{Settings: *s.known.Settings, Clients: s.registry.Client, Version: s.options.Version}
	if s.known.Signing != nil {
		c.Signing = *s.known.Signing
	}
	if s.known.ServerKeys != nil {
		c.ServerKeys = *s.known.ServerKeys
	}
	return endpoint.NewView(c)
}

// load reads the registry with the server keys of the view, unless it already is.
func (s *Server) load(ctx context.Context, v *endpoint.View) error {
	if v.ServerKeysID() == "" || s.health.loaded(v) {
		return nil
	}
	s.registry.KeysChanged()
	if err := s.registry.Load(ctx); err != nil {
		return err
	}
	id := v.ServerKeysID()
	s.health.bound.Store(&id)
	s.audit.Write(ctx, audit.StoreBound, slog.String("store_id", s.registry.StoreID()))
	return nil
}

func (s *Server) tellChanges(old, v *endpoint.View) {
	if old == nil || !old.Settings.Equal(v.Settings) {
		s.log.Info("settings in force", "issuer", v.Settings.Issuer, "default_resource", v.Settings.DefaultResource,
			"algorithm", v.Settings.Algorithm, "id_token_algorithm", v.Settings.IDTokenAlgorithm, "users", v.Settings.Users, "access_token_lifetime", v.Settings.AccessTokenLifetime.String())
	}
	if v.KeySetRevision != "" && (old == nil || old.KeySetRevision != v.KeySetRevision) {
		s.log.Info("signing keys in force", "revision", v.KeySetRevision, "keys", len(v.Signing.Keys), "can_sign", v.CanSign())
	}
}

// currentKeys is registry.Options.Keys.
func (s *Server) currentKeys() credential.ServerKeys {
	if k := s.serverKeys.Load(); k != nil {
		return *k
	}
	return credential.ServerKeys{}
}

// follow applies the source's snapshots, the latest only, and tries again what
// could not be put into force.
func (s *Server) follow(ctx context.Context, snapshots <-chan Snapshot) {
	wait := firstRetry
	retry := time.NewTimer(wait)
	retry.Stop()
	defer retry.Stop()
	for {
		var next Snapshot
		select {
		case <-ctx.Done():
			return
		case next = <-snapshots:
			wait = firstRetry
		case <-retry.C:
			next.Waiting = s.stillWaiting()
			wait = min(2*wait, lastRetry)
		}
		retry.Stop()
		if err := s.Apply(ctx, next); err != nil && ctx.Err() == nil {
			s.log.Error("a change of settings or keys is not in force yet", "error", err, "retry_in", wait.String())
			retry.Reset(wait)
		}
	}
}

func (s *Server) stillWaiting() []string {
	if w := s.health.waiting.Load(); w != nil {
		return *w
	}
	return nil
}

// latest is a channel of which the reader sees the last value only.
func latest(c chan Snapshot) func(Snapshot) {
	return func(s Snapshot) {
		select {
		case old := <-c:
			s = merge(old, s) // nothing that was delivered gets lost
		default:
		}
		c <- s
	}
}
