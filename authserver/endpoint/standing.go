package endpoint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/token"
)

// access is an access token that holds: signed here, not expired, not revoked.
type access struct {
	token.AccessClaims
	client *registry.Client
	// family of a user's token; nil: the client acts for itself.
	family *store.Family
}

// errNoStanding is why a token that was signed here is worth nothing any more.
var errNoStanding = errors.New("the token is not active")

// access verifies an access token and looks at everything that can have ended it
// since (FAILURES A19, A11):
//
//  1. signature, issuer, type, expiry
//  2. its client exists, is not disabled, and is the incarnation it was issued to
//  3. of a user's: its family exists and is not revoked, and the user is welcome
//  4. of a client that acts for itself: it was not revoked by itself
//  5. of its scopes those are left that policy, registration and the user's roles
//     allow now (narrow)
//
// The error is token.ErrInvalid or errNoStanding for a token that is worth
// nothing; any other is an outage, of the store or of what is known of the people,
// never an answer.
func (s *Server) access(ctx context.Context, v *View, text string, now time.Time) (access, error) {
	// 1.
	if v.tokens == nil {
		return access{}, token.ErrInvalid
	}
	claims, err := v.tokens.Access(text, now)
	if err != nil {
		return access{}, err
	}
	a := access{AccessClaims: claims}
	// 2.
	if a.client, err = s.clientOf(ctx, claims.ClientID, claims.IssuedAt); err != nil {
		return access{}, err
	}
	// 3.
	if id, ok := grant.FamilyOf(claims.JTI); ok {
		// Revoking a user's token ends its family (revoke.go), so there is no more to ask.
		if a.family, err = s.standingFamily(ctx, id, now); err != nil {
			return access{}, err
		}
		return a, s.narrow(v, &a)
	}
	// 4.
	revoked, err := s.Flows.TokenRevoked(ctx, claims.JTI)
	if err != nil {
		return access{}, fmt.Errorf("ask whether a token was revoked: %w", err)
	}
	if revoked {
		return access{}, errNoStanding
	}
	return a, s.narrow(v, &a)
}

// narrow is check 5. A token of which nothing is left is worth nothing; so is one
// for a resource that is not the client's any more. One that never had a scope keeps
// what it had.
func (s *Server) narrow(v *View, a *access) error {
	if _, err := grant.Target(s.Registry.Policies(), a.client, a.Audience, v.terms); err != nil {
		return errors.Join(errNoStanding, err)
	}
	asked, err := oauth.ParseScope(a.Scope)
	if err != nil || len(asked) == 0 {
		return err
	}
	var left []string
	if a.family == nil {
		right, err := s.rights.Resolve(grant.Ask{Client: a.client, Grant: oauth.GrantClientCredentials, Resource: a.Audience, Terms: v.terms})
		if err != nil {
			return errors.Join(errNoStanding, err)
		}
		allowed := strings.Fields(right.Scope)
		left = slices.DeleteFunc(asked, func(scope string) bool { return !slices.Contains(allowed, scope) })
	} else {
		g := a.family.Grant
		right := s.rights.ForUser(a.client, v.terms, s.Roster.Roles(g.Subject, g.Roles), a.Audience, asked, oauth.GrantAuthorizationCode)
		left, a.Roles = right.Scopes, right.Roles
	}
	if len(left) == 0 {
		return errNoStanding
	}
	a.Scope = oauth.JoinScope(left)
	return nil
}

// clientOf finds the client that something was issued to, at a time in Unix
// seconds.
func (s *Server) clientOf(ctx context.Context, id string, issued int64) (*registry.Client, error) {
	var c *registry.Client
	err := s.caughtUp(ctx, func() error {
		var ok bool
		if c, ok = s.Registry.Client(id); !ok {
			return errNoStanding
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case c.Managed != nil && c.Managed.Disabled:
		return nil, errNoStanding
	case issued < c.Since().Unix():
		return nil, errNoStanding // issued to an earlier incarnation, or to a removed client of this id
	}
	return c, nil
}

// standingFamily reads a family that is not revoked, of a person who may still
// sign in. An access token never outlives its family, so that one which is gone
// was swept.
func (s *Server) standingFamily(ctx context.Context, id string, now time.Time) (*store.Family, error) {
	f, err := s.Flows.Family(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errNoStanding
	case err != nil:
		return nil, fmt.Errorf("read the family of a token: %w", err)
	case !f.Revoked.IsZero(), !f.Expires.IsZero() && !now.Before(f.Expires):
		return nil, errNoStanding
	}
	welcome, err := s.Roster.Welcome(f.Grant.Subject, f.Grant.Source)
	if err == nil && !welcome {
		err = errNoStanding
	}
	if err != nil {
		return nil, err
	}
	return &f, nil
}

// worthless says that an error is about the token, and no outage.
func worthless(err error) bool {
	return errors.Is(err, token.ErrInvalid) || errors.Is(err, errNoStanding)
}
