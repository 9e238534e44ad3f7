package endpoint

import (
	"context"

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
			return tokenstatus.ErrInactive
		}
		return nil
	})
	return c, err
}
