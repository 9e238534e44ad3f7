package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"clientele.dev/clientele/authserver/oauth"
)

// Normalized returns a copy of the policy in normal form: what is a set is
// sorted. The rules keep their order. The copy shares selectors with p.
func (p Policy) Normalized() Policy {
	p.Scopes = append(make([]Scope, 0, len(p.Scopes)), p.Scopes...)
	slices.SortStableFunc(p.Scopes, func(a, b Scope) int { return strings.Compare(a.Name, b.Name) })
	for i := range p.Scopes {
		p.Scopes[i] = p.Scopes[i].normalized()
	}
	p.ResourceServers = slices.Clone(p.ResourceServers)
	slices.SortFunc(p.ResourceServers, compareServers)
	p.ResourceServers = slices.Compact(p.ResourceServers)
	p.Allow = slices.Clone(p.Allow)
	for i := range p.Allow {
		p.Allow[i] = p.Allow[i].normalized()
	}
	return p
}

// normalized: an absent GrantableTo and one with both are the same, unless Roles are
// given (closedTo).
func (s Scope) normalized() Scope {
	s.Roles = slices.Compact(sorted(s.Roles))
	s.GrantableTo = slices.Compact(sorted(s.GrantableTo))
	if len(s.Roles) == 0 && slices.Equal(s.GrantableTo, []Grantee{Clients, Users}) {
		s.GrantableTo = nil
	}
	return s
}

func compareServers(a, b ResourceServer) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
}

func (r Rule) normalized() Rule {
	r.Namespaces = sorted(r.Namespaces)
	r.Scopes = sorted(r.Scopes)
	r.GrantTypes = sorted[oauth.GrantType](r.GrantTypes)
	return r
}

// sorted returns a sorted copy, empty rather than nil.
func sorted[S ~string](list []S) []S {
	list = append(make([]S, 0, len(list)), list...)
	slices.Sort(list)
	return list
}

// Digest is the lower-case hexadecimal SHA-256 of the JSON of the normal form
// without Cluster, which the server derives. Registrar and server compute it
// alike. It is kept in stores: a new member of Policy must be omitempty.
func (p Policy) Digest() string {
	p = p.Normalized()
	p.Cluster = ""
	// Marshal cannot fail: there are only strings, numbers, and lists and maps of
	// them.
	canonical, _ := json.Marshal(p)
	hash := sha256.Sum256(canonical)
	return hex.EncodeToString(hash[:])
}
