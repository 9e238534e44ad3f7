package grant

import (
	"context"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/registry"
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
	Now   time.Time
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
}

// Grant is one grant type. Errors are *oauth.Error; anything else is a failure
// of the server and never an answer to the client.
type Grant interface {
	Type() oauth.GrantType
	Issue(ctx context.Context, r Request) (Issue, error)
}

// Terms are what the server's settings say about tokens. Immutable.
type Terms struct {
	// Issuer is the `iss` of every token.
	Issuer string
	// DefaultResource is `aud` where a request names no resource and the client
	// has not registered others. Never empty.
	DefaultResource string
	// AccessTokenLifetime is the longest; clients and scopes only shorten it.
	AccessTokenLifetime time.Duration
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
