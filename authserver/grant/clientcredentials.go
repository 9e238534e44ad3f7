package grant

import (
	"context"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/rights"
)

// ClientCredentials is RFC 6749, Section 4.4: the client acts for itself.
//
//  1. The resource is one of the client's (RFC 8707), or the default.
//  2. The scope is what rights.Decide grants: all that the request names, or whatever of
//     the registered scopes policy allows.
//  3. A token without scope is for the issuer only, and for a client that registered none.
//
// There is no refresh token (RFC 6749, Section 4.4.3), and nothing is written
// to the store.
type ClientCredentials struct {
	// Policies returns the policies in force; it must not block.
	Policies func() *policy.Set
}

// Type returns client_credentials.
func (ClientCredentials) Type() oauth.GrantType { return oauth.GrantClientCredentials }

// Issue implements Grant.
func (g ClientCredentials) Issue(_ context.Context, r Request) (Issue, error) {
	policies := g.Policies()
	// 1.
	resource, err := rights.Target(policies, r.Client, r.Resource, &r.Terms.Terms)
	if err != nil {
		return Issue{}, err
	}
	// 2.
	asked, err := oauth.ParseScope(r.Scope)
	if err != nil {
		return Issue{}, err
	}
	answer, err := rights.Decide(policies, rights.Question{
		Client: r.Client, Grant: g.Type(), Resource: resource, Named: r.Resource != "", Asked: asked, Terms: &r.Terms.Terms,
	})
	if err == nil && len(asked) > 0 {
		err = answer.All()
	}
	if err != nil {
		return Issue{}, err
	}
	// 3.
	if len(answer.Granted) == 0 && (len(r.Client.Scopes) > 0 || answer.Resource != r.Terms.Issuer) {
		return Issue{}, oauth.InvalidScope("no scope is granted to this client for the resource")
	}
	return Issue{
		// RFC 9068, Section 2.2: without a resource owner `sub` names the client.
		Subject:  r.Client.ClientID,
		Resource: answer.Resource,
		Scope:    oauth.JoinScope(answer.Granted),
		Lifetime: answer.Lifetime,
	}, nil
}
