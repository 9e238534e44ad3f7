package grant

import (
	"context"
	"errors"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
)

// Request is a token request whose client is authenticated and has registered
// the grant type.
type Request struct {
	Client *registry.Client
	// Params of the request, for what only this grant reads.
	Params *params.Params
	// Resource and Scope as they were asked for, unchecked; empty if they were
	// left out.
	Resource, Scope string
	// Terms are the server's own.
	Terms *Terms
	// Keys are the server keys in force.
	Keys credential.ServerKeys
	Now  time.Time
}

// Issue is what the request is given: the token endpoint makes tokens of it.
type Issue struct {
	// Subject of the access token.
	Subject string
	// Resource becomes its audience.
	Resource string
	// Scope that was granted, space-separated; may be empty.
	Scope string
	// Lifetime of the access token; whole seconds.
	Lifetime time.Duration

	// The rest is for a user's tokens only.

	// Family that the tokens belong to; the jti of the access token begins with
	// it (see tokenstatus.JTI), so that it is revoked with its family without a row of its own.
	Family string
	// Roles of the user by which the scopes were granted.
	Roles []string
	// Tenant of the user; empty: none.
	Tenant string
	// RefreshToken, if there is one.
	RefreshToken credential.Secret
	// Retried: the refresh token that was presented had been used before.
	Retried bool
	// Identity asks for an ID token; nil: none.
	Identity *Identity
}

// ErrReused is the cause of the invalid_grant about a code, or a refresh token,
// that came a second time; what was made from it has been revoked.
var ErrReused = errors.New("used before, and what was made from it is revoked")

// ErrAhead is the cause of the invalid_grant about a refresh token that its family
// has not come to: the store was set back, by a power loss or from a backup. The
// family has been revoked, for who else has its tokens cannot be known.
var ErrAhead = errors.New("newer than the store knows of; its family is revoked")

// Identity is what an ID token says beside what it shares with the access token.
type Identity struct {
	SessionID, Nonce string
	// AuthTime in Unix seconds; 0: not known.
	AuthTime int64
}

// Grant is one grant type. Errors are *oauth.Error; anything else is a failure
// of the server and never an answer to the client.
type Grant interface {
	Type() oauth.GrantType
	Issue(ctx context.Context, r Request) (Issue, error)
}

// Terms are what the server's settings say about tokens. Immutable.
type Terms struct {
	rights.Terms
	// CodeLifetime is how long an authorization code is good.
	CodeLifetime time.Duration
	// RefreshLifetime ends a family absolutely, RefreshIdle unless it is used
	// before; clients only shorten them.
	RefreshLifetime, RefreshIdle time.Duration
	// RefreshRetryWindow is how long after its use a refresh token may come again, from a
	// client that lost the answer.
	RefreshRetryWindow time.Duration
	// PrivateUseSchemes without a period that redirect URIs may have.
	PrivateUseSchemes []string
}

// Allowed checks that the client registered the grant type (FAILURES A11).
func Allowed(c *registry.Client, t oauth.GrantType) error {
	for _, registered := range c.GrantTypes {
		if registered == t {
			return nil
		}
	}
	return oauth.UnauthorizedClient("the client is not registered for this grant type")
}
