package policy

import (
	"cmp"
	"slices"

	"clientele.dev/clientele/authserver/oauth"
)

// Set is all policies together, indexed for Decide. It is immutable, so any
// number of goroutines may use it without a lock. The zero value and nil deny
// everything.
type Set struct {
	scopes         map[target]*declared
	conflicts      map[string][]Conflict // by uid
	selfRegistered map[string][]string   // scopes open to self-registered clients, by resource
	// introspectors of each resource
	introspectors map[introspector]bool
}

// target is a scope of a resource. The same scope name of two resources is two
// scopes.
type target struct {
	resource, scope string
}

// owner is whose resource it is.
type owner struct {
	cluster, namespace string
}

// declared is a scope with all rules that allow it, those of older policies first.
type declared struct {
	scope  Scope
	policy string // namespace/name of the policy whose declaration stands
	rules  []*compiledRule
}

// Conflict is a scope that a policy declares in vain.
type Conflict struct {
	// Scope is its name.
	Scope string
	// Policy, as namespace/name, is the older one whose declaration stands.
	Policy string
	// Elsewhere says that the older policy, and with it the resource, is of
	// another namespace: then the rules of this policy do not count either.
	// Otherwise they do, and only its description and lifetime are passed over.
	Elsewhere bool
}

// NewSet builds a Set. The policies should be valid (Validate); what is not
// grants nothing. They must not be changed afterwards.
//
// A resource is of the namespace of its oldest policy: policies of another
// namespace (or cluster) for the same resource, in any spelling, have no effect. The controllers
// push only what the NamespaceAccesses let a namespace declare; this holds where two may, and
// while an owner changes. Inside the namespace rules add up, and the oldest
// declaration of a scope stands.
func NewSet(policies []Policy) *Set {
	s := &Set{
		scopes:         make(map[target]*declared),
		conflicts:      make(map[string][]Conflict),
		selfRegistered: make(map[string][]string),

		introspectors: make(map[introspector]bool),
	}
	first := make(map[string]*Policy) // by canonical resource
	for _, p := range oldestFirst(policies) {
		resource := oauth.CanonicalResource(p.Resource)
		if oldest := first[resource]; oldest == nil {
			first[resource] = p
		} else if ownerOf(oldest) != ownerOf(p) {
			s.addElsewhere(p, oldest)
			continue
		}
		s.add(p)
	}
	s.indexSelfRegistered()
	return s
}

// oldestFirst orders by age, then by uid.
func oldestFirst(policies []Policy) []*Policy {
	sorted := make([]*Policy, len(policies))
	for i := range policies {
		sorted[i] = &policies[i]
	}
	slices.SortStableFunc(sorted, func(a, b *Policy) int {
		return cmp.Or(cmp.Compare(a.Created, b.Created), cmp.Compare(a.UID, b.UID))
	})
	return sorted
}

func ownerOf(p *Policy) owner {
	return owner{p.Cluster, p.Namespace}
}

func fullName(p *Policy) string {
	return p.Namespace + "/" + p.Name
}

func (s *Set) addElsewhere(p, oldest *Policy) {
	for _, scope := range p.Scopes {
		s.conflicts[p.UID] = append(s.conflicts[p.UID], Conflict{scope.Name, fullName(oldest), true})
	}
}

func (s *Set) add(p *Policy) {
	for _, scope := range p.Scopes {
		key := target{p.Resource, scope.Name}
		if older := s.scopes[key]; older != nil {
			s.conflicts[p.UID] = append(s.conflicts[p.UID], Conflict{Scope: scope.Name, Policy: older.policy})
			continue
		}
		s.scopes[key] = &declared{scope: scope, policy: fullName(p)}
	}
	for i := range p.Allow {
		s.addRule(p, &p.Allow[i])
	}
	s.addIntrospectors(p)
}

func (s *Set) addRule(p *Policy, r *Rule) {
	compiled := compile(p, r)
	if compiled == nil {
		return
	}
	for _, name := range r.Scopes {
		if declares(p.Scopes, name) {
			d := s.scopes[target{p.Resource, name}]
			d.rules = append(d.rules, compiled)
		}
	}
}

// Conflicts lists the scopes that the policy with a uid declares in vain, in its
// own order; nil if there are none.
func (s *Set) Conflicts(uid string) []Conflict {
	if s == nil {
		return nil
	}
	return slices.Clone(s.conflicts[uid])
}

// Declaration returns the declaration of a scope that stands: its description and
// the roles it needs, for the consent page. It shares memory with the set; do not
// change it.
func (s *Set) Declaration(resource, scope string) (Scope, bool) {
	if d := s.declared(resource, scope); d != nil {
		return d.scope, true
	}
	return Scope{}, false
}

// declared is the declaration of a scope; nil: there is none. A scope of OpenID
// Connect is the server's own, whatever a policy says that was stored before Validate
// refused that.
func (s *Set) declared(resource, scope string) *declared {
	if s == nil || oauth.IdentityScope(scope) {
		return nil
	}
	return s.scopes[target{resource, scope}]
}
