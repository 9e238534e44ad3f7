// Package rules turns what manifests say about namespaces, servers and scopes
// into the terms that are decided in. It is pure.
package rules

import (
	"cmp"
	"slices"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Server is the AuthorizationServer that a serverRef names; own is the
// operator's namespace.
func Server(ref *v1alpha1.ServerReference, own string) types.NamespacedName {
	if ref == nil {
		return types.NamespacedName{Namespace: own, Name: v1alpha1.DefaultServerName}
	}
	key := types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}
	if key.Namespace == "" {
		key.Namespace = own
	}
	return key
}

// Includes tells whether a namespace is among a group's. holder is the namespace
// of the object that holds the group. An invalid selector includes nothing.
func Includes(g v1alpha1.NamespaceGroup, holder string, ns *corev1.Namespace) bool {
	switch g.From {
	case v1alpha1.NamespacesFromSame:
		return ns.Name == holder
	case v1alpha1.NamespacesFromAll:
		return true
	case v1alpha1.NamespacesFromSelector:
		return Selector(g.Selector).Matches(ns.Labels)
	default:
		return false
	}
}

// Selector turns a label selector into one that package policy decides by; nil
// stays nil.
func Selector(s *metav1.LabelSelector) *policy.Selector {
	if s == nil {
		return nil
	}
	out := &policy.Selector{MatchLabels: s.MatchLabels}
	for _, e := range s.MatchExpressions {
		out.MatchExpressions = append(out.MatchExpressions, policy.Requirement{
			Key: e.Key, Operator: string(e.Operator), Values: e.Values,
		})
	}
	return out
}

// Policy is a ScopePolicy as it is pushed to a server.
func Policy(sp *v1alpha1.ScopePolicy) policy.Policy {
	p := policy.Policy{
		UID:        string(sp.UID),
		Namespace:  sp.Namespace,
		Name:       sp.Name,
		Created:    sp.CreationTimestamp.Unix(),
		Generation: sp.Generation,
		Resource:   sp.Spec.Resource,
	}
	for _, s := range sp.Spec.Scopes {
		p.Scopes = append(p.Scopes, policy.Scope{
			Name: s.Name, Description: s.Description, MaxAccessTokenLifetime: seconds(s.MaxAccessTokenLifetime),
			Roles: slices.Clone(s.Roles), GrantableTo: grantees(s.GrantableTo),
		})
	}
	for _, rs := range sp.Spec.ResourceServers {
		p.ResourceServers = append(p.ResourceServers, policy.ResourceServer{Namespace: cmp.Or(rs.Namespace, sp.Namespace), Name: rs.Name})
	}
	for _, a := range sp.Spec.Allow {
		p.Allow = append(p.Allow, rule(a, sp.Namespace))
	}
	return p
}

// grantees says the same in the server's words. One of a newer API that is not
// known here stays as it is: the server refuses it, where leaving it out could
// mean everybody.
func grantees(list []v1alpha1.Grantee) []policy.Grantee {
	var out []policy.Grantee
	for _, g := range list {
		switch g {
		case v1alpha1.GrantableToUsers:
			out = append(out, policy.Users)
		case v1alpha1.GrantableToClients:
			out = append(out, policy.Clients)
		default:
			out = append(out, policy.Grantee(g))
		}
	}
	return out
}

func rule(a v1alpha1.AllowRule, own string) policy.Rule {
	r := policy.Rule{ClientSelector: Selector(a.Clients), Scopes: slices.Clone(a.Scopes), SelfRegistered: a.SelfRegistered}
	for _, g := range a.GrantTypes {
		r.GrantTypes = append(r.GrantTypes, oauth.GrantType(g))
	}
	if a.SelfRegistered {
		return r // it has no namespaces
	}
	switch a.Namespaces.From {
	case v1alpha1.NamespacesFromAll:
	case v1alpha1.NamespacesFromSelector:
		r.NamespaceSelector = Selector(a.Namespaces.Selector)
	default:
		// Same; and whatever a newer API may bring must not mean everybody.
		r.Namespaces = []string{own}
	}
	return r
}

// seconds rounds down: a policy's lifetime is a limit.
func seconds(d *metav1.Duration) int64 {
	if d == nil {
		return 0
	}
	return int64(d.Duration / time.Second)
}
