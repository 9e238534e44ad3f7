package policy

import (
	"slices"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// Client is what a decision needs to know of a client.
type Client struct {
	// Cluster and Namespace the client's owner lives in, and the owner's Name.
	Cluster, Namespace, Name string
	// NamespaceLabels are the labels of that namespace, Labels the client's own.
	NamespaceLabels, Labels map[string]string
	// SelfRegistered: the client registered itself; all else is empty then.
	SelfRegistered bool
}

// Reason says why a scope is granted or not.
type Reason string

// The reasons.
const (
	// Allowed: a rule allows the scope.
	Allowed Reason = "Allowed"
	// NotDeclared: no policy declares the scope for the resource.
	NotDeclared Reason = "NotDeclared"
	// NotAllowed: the scope is declared, but no rule allows it to the client.
	NotAllowed Reason = "NotAllowed"
	// GrantTypeNotAllowed: rules allow the scope to the client, but not with this
	// grant type.
	GrantTypeNotAllowed Reason = "GrantTypeNotAllowed"
	// BuiltIn: the scope is one of OpenID Connect; the server itself grants it.
	BuiltIn Reason = "BuiltIn"
	// NotForUsers: the scope is granted to clients for themselves only.
	NotForUsers Reason = "NotForUsers"
	// NotForClients: the scope is granted to users only.
	NotForClients Reason = "NotForClients"
	// RoleMissing: the client may have the scope, but the user holds none of the
	// roles that it needs (DecideUser only).
	RoleMissing Reason = "RoleMissing"
)

// Decision is the answer to: may this client have this scope?
type Decision struct {
	Granted bool
	// Policy, as namespace/name, is the one that decided: whose rule allows the
	// scope, or else whose declaration of it stands. Empty: NotDeclared, BuiltIn.
	Policy string
	Reason Reason
	// MaxLifetime of an access token with the scope; 0: no limit of its own.
	MaxLifetime time.Duration
}

// Decide says whether a client may have a scope of a resource's API with a grant type;
// for a user's grant, as far as it is not about the user: see DecideUser. The scopes of
// OpenID Connect are no API's: see DecideIdentity. Decide is on the server's hot path: it
// takes no lock and allocates nothing.
func (s *Set) Decide(c Client, resource, scope string, grant oauth.GrantType) Decision {
	d := s.declared(resource, scope)
	if d == nil {
		return Decision{Reason: NotDeclared}
	}
	decision := Decision{
		Policy:      d.policy,
		Reason:      NotAllowed,
		MaxLifetime: time.Duration(d.scope.MaxAccessTokenLifetime) * time.Second,
	}
	if reason := d.scope.closedTo(grant); reason != "" {
		decision.Reason = reason
		return decision
	}
	for _, rule := range d.rules {
		if !rule.matches(&c) {
			continue
		}
		if rule.permits(grant) {
			decision.Granted, decision.Policy, decision.Reason = true, rule.policy, Allowed
			return decision
		}
		if decision.Reason == NotAllowed {
			decision.Policy, decision.Reason = rule.policy, GrantTypeNotAllowed
		}
	}
	return decision
}

// closedTo returns why no client can have the scope with a grant type; "" if one can.
// Roles are held by users, so that a scope with Roles and without GrantableTo is for
// users only.
func (s *Scope) closedTo(grant oauth.GrantType) Reason {
	users, clients := slices.Contains(s.GrantableTo, Users), slices.Contains(s.GrantableTo, Clients)
	if len(s.GrantableTo) == 0 {
		users, clients = true, len(s.Roles) == 0
	}
	switch {
	case grant.ForUsers() && !users:
		return NotForUsers
	case !grant.ForUsers() && !clients:
		return NotForClients
	}
	return ""
}

// compiledRule is a Rule whose selectors are known to be valid.
type compiledRule struct {
	policy         string // namespace/name
	cluster        string
	namespaces     []string
	namespace      *compiledSelector
	client         *compiledSelector
	grants         []oauth.GrantType
	selfRegistered bool
}

// compile returns nil for a rule that can match nothing.
func compile(p *Policy, r *Rule) *compiledRule {
	if r.SelfRegistered && r.chooses() {
		return nil // contradicts itself; Validate refuses it
	}
	if r.NamespaceSelector != nil && !r.NamespaceSelector.valid() || r.ClientSelector != nil && !r.ClientSelector.valid() {
		return nil
	}
	return &compiledRule{
		policy:         fullName(p),
		cluster:        p.Cluster,
		namespaces:     r.Namespaces,
		namespace:      r.NamespaceSelector.compile(),
		client:         r.ClientSelector.compile(),
		grants:         r.GrantTypes,
		selfRegistered: r.SelfRegistered,
	}
}

// matches reports whether the rule is about the client. A namespace of another
// cluster is another namespace, whatever its name and labels. Where Namespaces
// and NamespaceSelector are both there, both must hold. A client that registered
// itself is matched by selfRegistered rules only, and these match no other.
func (r *compiledRule) matches(c *Client) bool {
	if r.selfRegistered || c.SelfRegistered {
		return r.selfRegistered && c.SelfRegistered
	}
	return r.cluster == c.Cluster &&
		(len(r.namespaces) == 0 || slices.Contains(r.namespaces, c.Namespace)) &&
		r.namespace.matches(c.NamespaceLabels) &&
		r.client.matches(c.Labels)
}

// permits reports whether the rule holds for a grant type; without any named it
// holds for each. What may be had with a code may be refreshed: whether a client
// may refresh at all is said by its own grant types.
func (r *compiledRule) permits(grant oauth.GrantType) bool {
	return len(r.grants) == 0 || slices.Contains(r.grants, grant) ||
		grant == oauth.GrantRefreshToken && slices.Contains(r.grants, oauth.GrantAuthorizationCode)
}
