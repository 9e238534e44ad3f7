package grant

import (
	"context"

	"clientele.dev/clientele/authserver/oauth"
)

// ClientCredentials is RFC 6749, Section 4.4: the client acts for itself.
//
//  1. The resource is one of the client's (RFC 8707), or the default.
//  2. The scope is asked ∩ registered ∩ policy.
//  3. The token lives as long as server, client and scopes allow.
//
// There is no refresh token (RFC 6749, Section 4.4.3), and nothing is written
// to the store.
type ClientCredentials struct {
	Rights *Rights
}

// Type returns client_credentials.
func (ClientCredentials) Type() oauth.GrantType { return oauth.GrantClientCredentials }

// Issue implements Grant.
func (g ClientCredentials) Issue(_ context.Context, r Request) (Issue, error) {
	right, err := g.Rights.Resolve(Ask{
		Client:   r.Client,
		Grant:    oauth.GrantClientCredentials,
		Resource: r.Resource,
		Scope:    r.Scope,
		Terms:    r.Terms,
	})
	if err != nil {
		return Issue{}, err
	}
	return Issue{
		// RFC 9068, Section 2.2: without a resource owner `sub` names the client.
		Subject:  r.Client.ClientID,
		Resource: right.Resource,
		Scope:    right.Scope,
		Lifetime: right.Lifetime,
	}, nil
}
