package rights

import (
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
)

// Asked returns the scopes that a request means. One that names none means all that its
// client registered (INTEROP 1). A client that registered itself and named none there
// either means those of the resource: what is about the user is asked for by name.
func Asked(policies *policy.Set, c *registry.Client, resource string, named []string) []string {
	switch {
	case len(named) > 0:
		return named
	case namesNoScope(c):
		return policies.SelfRegisteredScopes(resource)
	}
	return c.Scopes
}

// registeredScopes returns the scopes of a resource that a client registered. One that
// registered itself and named none may ask for what the policies let such clients have
// now, and for the scopes of OpenID Connect.
func registeredScopes(policies *policy.Set, c *registry.Client, resource string) []string {
	if !namesNoScope(c) {
		return c.Scopes
	}
	return append(policies.SelfRegisteredScopes(resource), oauth.IdentityScopes()...)
}

func namesNoScope(c *registry.Client) bool { return c.Self != nil && len(c.Scopes) == 0 }
