package rights

import (
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
)

// Asked returns the scopes that a request asks for. A request without scopes asks for all
// scopes that its client registered: MCP clients send none. If the client registered itself
// without scopes, such a request asks for all scopes of the resource that policies open to
// clients of this kind; scopes of OpenID Connect must then be named.
func Asked(policies *policy.Set, c *registry.Client, resource string, named []string) []string {
	switch {
	case len(named) > 0:
		return named
	case namesNoScope(c):
		return policies.SelfRegisteredScopes(resource)
	}
	return c.Scopes
}

// registeredScopes returns the scopes that a client may ask for at a resource: those that
// it registered. A client that registered itself without scopes may ask for the scopes that
// policies open to clients of this kind now, and for those of OpenID Connect.
func registeredScopes(policies *policy.Set, c *registry.Client, resource string) []string {
	if !namesNoScope(c) {
		return c.Scopes
	}
	return append(policies.SelfRegisteredScopes(resource), oauth.IdentityScopes()...)
}

func namesNoScope(c *registry.Client) bool { return c.Self != nil && len(c.Scopes) == 0 }
