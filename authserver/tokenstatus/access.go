// Package tokenstatus reports whether an access token is active, and which scopes and roles
// it still has. Introspection and UserInfo use it. It does not depend on HTTP, so a grant
// that takes a token can use it too.
package tokenstatus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/token"
)

// ErrInactive: the token was signed here and is not active any more, see Checker.Check.
var ErrInactive = errors.New("the token is not active")

// Inactive reports whether an error is about the token: it is invalid or inactive. Any
// other error is an outage.
func Inactive(err error) bool {
	return errors.Is(err, token.ErrInvalid) || errors.Is(err, ErrInactive)
}

// Access is an active access token: signed here, not expired, not revoked. Scope and
// roles are those of the token that are still granted.
type Access struct {
	token.AccessClaims
	Client *registry.Client
	// Family of a user's token; nil: the client acts for itself.
	Family *store.Family
}

// Revocations reads from the store what was revoked.
type Revocations interface {
	Family(ctx context.Context, id string) (store.Family, error)
	TokenRevoked(ctx context.Context, jti string) (bool, error)
}

// Checker looks up the status of access tokens.
type Checker struct {
	// Client returns a client, from a view of the registrations that may be caught up for
	// it. The error is ErrInactive if there is none, or an outage.
	Client      func(ctx context.Context, id string) (*registry.Client, error)
	Revocations Revocations
	Users       rights.Users
	// Policies returns the policies in force; it must not block.
	Policies func() *policy.Set
}

// Check verifies an access token and looks up whether it was ended since (FAILURES A19,
// A11):
//
//  1. signature, issuer, type, expiry
//  2. its client exists, is not disabled, and is the incarnation it was issued to
//  3. of a user's: its family is not revoked, and the user may still sign in and use the client
//  4. of a client that acts for itself: it was not revoked by itself
//  5. its scopes are narrowed to what is granted now; if none is left it is inactive
//
// tokens is nil where the server has no signing keys. Inactive tells an error about the
// token from an outage of the store or the user sources.
func (c Checker) Check(ctx context.Context, tokens *token.Verifier, terms *rights.Terms, text string, now time.Time) (Access, error) {
	// 1.
	if tokens == nil {
		return Access{}, token.ErrInvalid
	}
	claims, err := tokens.Access(text, now)
	if err != nil {
		return Access{}, err
	}
	a := Access{AccessClaims: claims}
	// 2.
	if a.Client, err = c.client(ctx, claims.ClientID, claims.IssuedAt); err != nil {
		return Access{}, err
	}
	if id, ok := FamilyOf(claims.JTI); ok {
		// 3. Revoking a user's token ends its family, so there is no more to ask.
		a.Family, err = c.family(ctx, id, a.Client, now)
	} else {
		// 4.
		err = c.alone(ctx, claims.JTI)
	}
	if err != nil {
		return Access{}, err
	}
	// 5.
	if err := a.narrow(c.Policies(), c.Users, terms); err != nil {
		return Access{}, err
	}
	return a, nil
}

// client is check 2; issued is in Unix seconds.
func (c Checker) client(ctx context.Context, id string, issued int64) (*registry.Client, error) {
	client, err := c.Client(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case client.Managed != nil && client.Managed.Disabled:
		return nil, ErrInactive
	case issued < client.Since().Unix():
		return nil, ErrInactive // issued to an earlier incarnation, or to a removed client of this id
	}
	return client, nil
}

// family is check 3. An access token never outlives its family, so a family that is not
// in the store was swept.
func (c Checker) family(ctx context.Context, id string, client *registry.Client, now time.Time) (*store.Family, error) {
	f, err := c.Revocations.Family(ctx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, ErrInactive
	case err != nil:
		return nil, fmt.Errorf("read the family of a token: %w", err)
	case !f.Revoked.IsZero(), !f.Expires.IsZero() && !now.Before(f.Expires):
		return nil, ErrInactive
	}
	allowed, err := c.Users.Welcome(f.Grant.Subject, f.Grant.Source)
	if err != nil {
		return nil, err
	}
	if !allowed || !rights.StillMayUse(c.Users, client, f.Grant) {
		return nil, ErrInactive
	}
	return &f, nil
}

// alone is check 4.
func (c Checker) alone(ctx context.Context, jti string) error {
	revoked, err := c.Revocations.TokenRevoked(ctx, jti)
	if err != nil {
		return fmt.Errorf("read whether a token was revoked: %w", err)
	}
	if revoked {
		return ErrInactive
	}
	return nil
}

// narrow is check 5. A token that never had a scope stays as it is.
func (a *Access) narrow(policies *policy.Set, users rights.Users, terms *rights.Terms) error {
	if _, err := rights.Target(policies, a.Client, a.Audience, terms); err != nil {
		return errors.Join(ErrInactive, err)
	}
	scopes, err := oauth.ParseScope(a.Scope)
	if err != nil || len(scopes) == 0 {
		return err
	}
	q := rights.Question{
		Client: a.Client, Grant: oauth.GrantClientCredentials, Resource: a.Audience, Named: true, Asked: scopes, Terms: terms,
	}
	if a.Family != nil {
		g := a.Family.Grant
		q.Grant = oauth.GrantAuthorizationCode
		// Withdrawing the consent revokes the family.
		q.User = &rights.User{Roles: users.Roles(g.Subject, g.Roles), Consent: rights.Consent{NotNeeded: true}}
	}
	answer, err := rights.Decide(policies, q)
	if err != nil {
		return errors.Join(ErrInactive, err)
	}
	if len(answer.Granted) == 0 {
		return ErrInactive
	}
	a.Scope, a.Roles = oauth.JoinScope(answer.Granted), answer.Roles
	return nil
}
