package policy

import (
	"slices"
	"strings"
	"unicode/utf8"

	"clientele.dev/clientele/authserver/oauth"
)

// Bounds of a policy.
const (
	// MaxScopes is how many scopes a policy may declare.
	MaxScopes = 100
	// MaxRules is how many entries allow may have.
	MaxRules = 64
	// MaxNamespaces is how many namespaces a rule may name.
	MaxNamespaces = 64
	// MaxRequirements is how many labels, and how many expressions, a selector
	// may have; MaxValues how many values an expression.
	MaxRequirements = 64
	MaxValues       = 256
	// MaxRoles is how many roles a scope may name, of MaxRoleLength characters.
	MaxRoles      = 32
	MaxRoleLength = 128
	// MaxResourceServers is how many OAuthClients may be named to introspect.
	MaxResourceServers = 32
	// MaxDescription is how many characters a description may have.
	MaxDescription = 512
)

// Validate checks a policy as it is pushed. It is pure and is called by the
// controller and by the server. The error is an *oauth.Error of code
// invalid_request that names the member and says what would be right. Cluster is
// ignored, for the server derives it.
func (p Policy) Validate() error {
	checks := []func(Policy) *oauth.Error{
		checkIdentity,
		checkResource,
		checkScopes,
		checkAllow,
		checkResourceServers,
	}
	for _, check := range checks {
		if err := check(p); err != nil {
			return err
		}
	}
	return nil
}

func checkIdentity(p Policy) *oauth.Error {
	switch {
	case !oauth.ValidUID(p.UID):
		return oauth.InvalidRequest("uid must be a Kubernetes uid")
	case !oauth.ValidNamespace(p.Namespace):
		return oauth.InvalidRequest("namespace must be a Kubernetes namespace name")
	case !oauth.ValidSubdomain(p.Name):
		return oauth.InvalidRequest("name must be a Kubernetes object name")
	case p.Created < 0 || p.Generation < 0:
		return oauth.InvalidRequest("created and generation must not be negative")
	}
	return nil
}

func checkResource(p Policy) *oauth.Error {
	if err := oauth.ValidResource(p.Resource); err != nil {
		return oauth.InvalidRequest("resource: %s", oauth.AsError(err).Description)
	}
	return nil
}

func checkScopes(p Policy) *oauth.Error {
	if len(p.Scopes) == 0 || len(p.Scopes) > MaxScopes {
		return oauth.InvalidRequest("scopes must list 1 to %d", MaxScopes)
	}
	for i, s := range p.Scopes {
		if err := checkDeclaration(i, s); err != nil {
			return err
		}
		if declares(p.Scopes[:i], s.Name) {
			return oauth.InvalidRequest("scopes[%d].name is declared twice", i)
		}
	}
	return nil
}

func checkDeclaration(i int, s Scope) *oauth.Error {
	if err := oauth.ValidScope(s.Name); err != nil {
		return oauth.InvalidRequest("scopes[%d].name: %s", i, oauth.AsError(err).Description)
	}
	if oauth.IdentityScope(s.Name) {
		return oauth.InvalidRequest("scopes[%d].name: %s is a scope of OpenID Connect, which the server itself grants; choose another name", i, s.Name)
	}
	if !utf8.ValidString(s.Description) || utf8.RuneCountInString(s.Description) > MaxDescription {
		return oauth.InvalidRequest("scopes[%d].description must be UTF-8 text of at most %d characters", i, MaxDescription)
	}
	if !oauth.ValidLifetime(s.MaxAccessTokenLifetime) {
		return oauth.InvalidRequest("scopes[%d].max_access_token_lifetime must be 0 or %d to %d seconds", i, oauth.MinLifetime, oauth.MaxLifetime)
	}
	return checkGrantees(i, s)
}

func checkGrantees(i int, s Scope) *oauth.Error {
	if len(s.Roles) > MaxRoles || slices.ContainsFunc(s.Roles, func(role string) bool { return !ValidRole(role) }) {
		return oauth.InvalidRequest("scopes[%d].roles must be at most %d names on one line, of at most %d characters", i, MaxRoles, MaxRoleLength)
	}
	if len(s.GrantableTo) > 2 || slices.ContainsFunc(s.GrantableTo, func(g Grantee) bool { return g != Users && g != Clients }) {
		return oauth.InvalidRequest("scopes[%d].grantable_to must be of %s, %s", i, Users, Clients)
	}
	if len(s.Roles) > 0 && s.closedTo(oauth.GrantAuthorizationCode) != "" {
		return oauth.InvalidRequest("scopes[%d].roles are for users, whom grantable_to leaves out", i)
	}
	return nil
}

// ValidRole reports whether a role can be named: text on one line, of 1 to
// MaxRoleLength characters, without a space at either end.
func ValidRole(role string) bool {
	return role != "" && utf8.RuneCountInString(role) <= MaxRoleLength && oauth.Displayable(role) && strings.TrimSpace(role) == role
}

func declares(scopes []Scope, name string) bool {
	return slices.ContainsFunc(scopes, func(s Scope) bool { return s.Name == name })
}

func checkAllow(p Policy) *oauth.Error {
	if len(p.Allow) > MaxRules {
		return oauth.InvalidRequest("allow must list at most %d", MaxRules)
	}
	for i, rule := range p.Allow {
		if err := checkRule(i, rule, p.Scopes); err != nil {
			return err
		}
	}
	return nil
}

func checkRule(i int, r Rule, declared []Scope) *oauth.Error {
	if len(r.Scopes) == 0 || len(r.Scopes) > MaxScopes {
		return oauth.InvalidRequest("allow[%d].scopes must list 1 to %d", i, MaxScopes)
	}
	for j, name := range r.Scopes {
		if !declares(declared, name) {
			return oauth.InvalidRequest("allow[%d].scopes[%d] is not declared in scopes", i, j)
		}
	}
	if len(r.Namespaces) > MaxNamespaces || slices.ContainsFunc(r.Namespaces, func(ns string) bool { return !oauth.ValidNamespace(ns) }) {
		return oauth.InvalidRequest("allow[%d].namespaces must be at most %d Kubernetes namespace names", i, MaxNamespaces)
	}
	if len(r.GrantTypes) > oauth.MaxGrantTypes || slices.ContainsFunc(r.GrantTypes, func(g oauth.GrantType) bool { return !g.Supported() }) {
		return oauth.InvalidRequest("allow[%d].grant_types must list grant types that this server supports", i)
	}
	if r.SelfRegistered && r.chooses() {
		return oauth.InvalidRequest("allow[%d] is self_registered: such clients have no namespaces and labels to choose by", i)
	}
	if r.SelfRegistered && slices.Contains(r.GrantTypes, oauth.GrantClientCredentials) {
		return oauth.InvalidRequest("allow[%d] is self_registered: such clients do not have %s", i, oauth.GrantClientCredentials)
	}
	if !acceptable(r.NamespaceSelector) {
		return oauth.InvalidRequest("allow[%d].namespace_selector is not a valid label selector", i)
	}
	if !acceptable(r.ClientSelector) {
		return oauth.InvalidRequest("allow[%d].client_selector is not a valid label selector", i)
	}
	return nil
}

// chooses reports whether the rule chooses among OAuthClients.
func (r *Rule) chooses() bool {
	return len(r.Namespaces) > 0 || r.NamespaceSelector != nil || r.ClientSelector != nil
}

func checkResourceServers(p Policy) *oauth.Error {
	if len(p.ResourceServers) > MaxResourceServers {
		return oauth.InvalidRequest("resource_servers must list at most %d", MaxResourceServers)
	}
	for i, rs := range p.ResourceServers {
		if !oauth.ValidNamespace(rs.Namespace) || !oauth.ValidSubdomain(rs.Name) {
			return oauth.InvalidRequest("resource_servers[%d] must be the namespace and the name of an OAuthClient", i)
		}
	}
	return nil
}

// acceptable reports whether a selector is absent, or valid and within bounds.
func acceptable(s *Selector) bool {
	if s == nil {
		return true
	}
	if len(s.MatchLabels) > MaxRequirements || len(s.MatchExpressions) > MaxRequirements {
		return false
	}
	for i := range s.MatchExpressions {
		if len(s.MatchExpressions[i].Values) > MaxValues {
			return false
		}
	}
	return s.valid()
}
