package policy

import (
	"maps"
	"slices"

	"clientele.dev/clientele/authserver/oauth"
)

// indexSelfRegistered notes which scopes clients that registered themselves may have.
// Decide answers for each, so that there is one rule and not two.
func (s *Set) indexSelfRegistered() {
	for t := range s.scopes {
		if s.Decide(Client{SelfRegistered: true}, t.resource, t.scope, oauth.GrantAuthorizationCode).Granted {
			s.selfRegistered[t.resource] = append(s.selfRegistered[t.resource], t.scope)
		}
	}
	for _, scopes := range s.selfRegistered {
		slices.Sort(scopes)
	}
}

// SelfRegisteredScopes lists the scopes of a resource that a client which registered
// itself may have for a user, sorted; with a resource of "", those of all
// resources. They are what such a client means that asks for none (RFC 7591,
// Section 2). The scopes of OpenID Connect are not among them.
func (s *Set) SelfRegisteredScopes(resource string) []string {
	switch {
	case s == nil:
		return nil
	case resource != "":
		return slices.Clone(s.selfRegistered[resource])
	}
	var all []string
	for _, scopes := range s.selfRegistered {
		all = append(all, scopes...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// SelfRegisteredResources lists the resources of which SelfRegisteredScopes knows any, sorted:
// those that a client which registered itself may name (RFC 8707), besides the
// server's default resource.
func (s *Set) SelfRegisteredResources() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.selfRegistered))
}
