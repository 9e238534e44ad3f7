package grant

import (
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
)

// Registered returns the scopes of a resource that a client registered. One that
// registered itself and named none may ask for whatever the policies let such
// clients have now, and for the scopes of OpenID Connect.
func (r *Rights) Registered(c *registry.Client, resource string) []string {
	if !namesNoScope(c) {
		return c.Scopes
	}
	return append(r.Policies().SelfRegisteredScopes(resource), oauth.IdentityScopes()...)
}

// Asked returns the scopes that a request means. One that names none means all
// that its client registered; of a client that named none there
// either, those of the resource: its profile is a person's own, and is asked for
// by name.
func (r *Rights) Asked(c *registry.Client, resource string, named []string) []string {
	if len(named) > 0 || !namesNoScope(c) {
		return named
	}
	return r.Policies().SelfRegisteredScopes(resource)
}

func namesNoScope(c *registry.Client) bool { return c.Self != nil && len(c.Scopes) == 0 }
