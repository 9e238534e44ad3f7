package policy

import (
	"maps"
	"slices"

	"clientele.dev/clientele/authserver/oauth"
)

// indexDynamic notes which scopes clients that registered themselves may have.
// Decide answers for each, so that there is one rule and not two.
func (s *Set) indexDynamic() {
	for t := range s.scopes {
		if s.Decide(Client{Dynamic: true}, t.resource, t.scope, oauth.GrantAuthorizationCode).Granted {
			s.dynamic[t.resource] = append(s.dynamic[t.resource], t.scope)
		}
	}
	for _, scopes := range s.dynamic {
		slices.Sort(scopes)
	}
}

// DynamicScopes lists the scopes of a resource that a client which registered
// itself may have for a user, sorted; with a resource of "", those of all
// resources. They are what such a client means that asks for none (RFC 7591,
// Section 2). The scopes of OpenID Connect are not among them.
func (s *Set) DynamicScopes(resource string) []string {
	switch {
	case s == nil:
		return nil
	case resource != "":
		return slices.Clone(s.dynamic[resource])
	}
	var all []string
	for _, scopes := range s.dynamic {
		all = append(all, scopes...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// DynamicResources lists the resources of which DynamicScopes knows any, sorted:
// those that a client which registered itself may name (RFC 8707), besides the
// server's default resource.
func (s *Set) DynamicResources() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.dynamic))
}

// DynamicResource reports whether a resource is among DynamicResources.
func (s *Set) DynamicResource(resource string) bool {
	return s != nil && len(s.dynamic[resource]) > 0
}
