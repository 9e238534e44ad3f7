package endpoint

import (
	"context"

	"clientele.dev/clientele/authserver/oauth"
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
