package endpoint

import (
	"context"
	"errors"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/tokenstatus"
)

// caughtUp judges a caller by the registrations in memory; whoever would be
// refused is judged once more after these have caught up with the store. So a
// client, or a secret, that another replica accepted a moment ago is good at this
// one too, although nobody told it yet (DESIGN, "Replicas").
//
// All that are refused take the same way: an unknown client and a wrong secret
// still take the same time (FAILURES A12). Where the store cannot be asked nobody
// knows whether they are wrong, and must not say so.
func (s *Server) caughtUp(ctx context.Context, judge func() error) error {
	if judge() == nil {
		return nil
	}
	if err := s.Registry.CatchUp(ctx); err != nil {
		return oauth.TemporarilyUnavailable("the client cannot be verified at the moment").WithCause(err)
	}
	return judge()
}

// clientOfToken finds the client of a token (tokenstatus.Checker).
func (s *Server) clientOfToken(ctx context.Context, id string) (c *registry.Client, err error) {
	err = s.caughtUp(ctx, func() error {
		var ok bool
		if c, ok = s.Registry.Client(id); !ok {
			return registry.ErrUnknownClient
		}
		return nil
	})
	if errors.Is(err, registry.ErrUnknownClient) {
		err = errors.Join(tokenstatus.ErrInactive, err)
	}
	return c, err
}

// unlessIncomplete replaces a refusal that an incomplete store explains: an unknown client
// id, a scope or resource that a policy may allow in a moment, a token of which therefore
// nothing is left. Apps take such a refusal as final (FIELD O20). It never becomes one by
// time. Every error that is answered comes through here. A known client with a wrong secret
// is refused as always; so is an unknown code or refresh token of a known client, for what
// users allowed is lost with the store for good.
func (s *Server) unlessIncomplete(err error) error {
	if err == nil || s.Registry.Complete() {
		return err
	}
	code := oauth.CodeOf(err)
	if errors.Is(err, registry.ErrUnknownClient) || errors.Is(err, tokenstatus.ErrInactive) || code == oauth.CodeInvalidScope || code == oauth.CodeInvalidTarget {
		return oauth.TemporarilyUnavailable("the clients and policies of this server are still being registered; try again").WithCause(err)
	}
	return err
}
