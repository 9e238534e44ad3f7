package policy

import (
	"slices"

	"clientele.dev/clientele/authserver/oauth"
)

// User is what a decision needs to know of a user.
type User struct {
	// Roles the user holds, as sign-in found them.
	Roles []string
}

// DecideUser says whether a client may have a scope of a resource for a user: it
// must be granted to the client (Decide), and the user must hold one of the roles
// that the scope needs. The reason is RoleMissing where only the role is missing.
// Consent comes on top and is not the policies' business. With a grant that is for
// no user nothing is granted: NotForClients.
func (s *Set) DecideUser(c Client, u User, resource, scope string, grant oauth.GrantType) Decision {
	if !grant.ForUsers() {
		return Decision{Reason: NotForClients}
	}
	decision := s.Decide(c, resource, scope, grant)
	if !decision.Granted {
		return decision
	}
	if d := s.declared(resource, scope); d != nil && !d.scope.admits(u) {
		decision.Granted, decision.Reason, decision.Policy = false, RoleMissing, d.policy
	}
	return decision
}

// RequiredRoles returns the roles of which a user must hold one to have a scope;
// empty: any user. The result shares memory with the set; do not change it.
func (s *Set) RequiredRoles(resource, scope string) []string {
	if d := s.declared(resource, scope); d != nil {
		return d.scope.Roles
	}
	return nil
}

// admits reports whether the user holds a role that the scope needs.
func (s *Scope) admits(u User) bool {
	return len(s.Roles) == 0 || slices.ContainsFunc(s.Roles, func(role string) bool { return slices.Contains(u.Roles, role) })
}
