package policy

import (
	"slices"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// Client is what a decision needs to know of a client.
type Client struct {
	// Cluster and Namespace the client's owner lives in.
	Cluster, Namespace string
	// NamespaceLabels are the labels of that namespace, Labels the client's own.
	NamespaceLabels, Labels map[string]string
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
)

// Decision is the answer to: may this client have this scope?
type Decision struct {
	Granted bool
	// Policy, as namespace/name, is the one that decided: whose rule allows the
	// scope, or else whose declaration of it stands. Empty: NotDeclared.
	Policy string
	Reason Reason
	// MaxLifetime of an access token with the scope; 0: no limit of its own.
	MaxLifetime time.Duration
}

// Decide says whether a client may have a scope of a resource with a grant type.
// It is on the server's hot path: it takes no lock and allocates nothing.
func (s *Set) Decide(c Client, resource, scope string, grant oauth.GrantType) Decision {
	if s == nil {
		return Decision{Reason: NotDeclared}
	}
	d := s.scopes[target{resource, scope}]
	if d == nil {
		return Decision{Reason: NotDeclared}
	}
	decision := Decision{
		Policy:      d.policy,
		Reason:      NotAllowed,
		MaxLifetime: time.Duration(d.scope.MaxAccessTokenLifetime) * time.Second,
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

// compiledRule is a Rule whose selectors are known to be valid.
type compiledRule struct {
	policy     string // namespace/name
	cluster    string
	namespaces []string
	namespace  *Selector
	client     *Selector
	grants     []oauth.GrantType
}

// compile returns nil for a rule that can match nothing.
func compile(p *Policy, r *Rule) *compiledRule {
	if r.NamespaceSelector != nil && !r.NamespaceSelector.valid() || r.ClientSelector != nil && !r.ClientSelector.valid() {
		return nil
	}
	return &compiledRule{
		policy:     fullName(p),
		cluster:    p.Cluster,
		namespaces: r.Namespaces,
		namespace:  r.NamespaceSelector,
		client:     r.ClientSelector,
		grants:     r.GrantTypes,
	}
}

// matches reports whether the rule is about the client. A namespace of another
// cluster is another namespace, whatever its name and labels. Where Namespaces
// and NamespaceSelector are both there, both must hold.
func (r *compiledRule) matches(c *Client) bool {
	return r.cluster == c.Cluster &&
		(len(r.namespaces) == 0 || slices.Contains(r.namespaces, c.Namespace)) &&
		(r.namespace == nil || r.namespace.matches(c.NamespaceLabels)) &&
		(r.client == nil || r.client.matches(c.Labels))
}

// permits reports whether the rule holds for a grant type; without any named it
// holds for each.
func (r *compiledRule) permits(grant oauth.GrantType) bool {
	return len(r.grants) == 0 || slices.Contains(r.grants, grant)
}
