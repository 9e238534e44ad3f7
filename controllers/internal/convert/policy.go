// Package convert turns objects of the Kubernetes API into the words that the
// operator and the server share.
package convert

import (
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Policy is a ScopePolicy as it is pushed to the server.
func Policy(p *v1alpha1.ScopePolicy) policy.Policy {
	out := policy.Policy{
		UID:        string(p.UID),
		Namespace:  p.Namespace,
		Name:       p.Name,
		Created:    p.CreationTimestamp.Unix(),
		Generation: p.Generation,
		Resource:   p.Spec.Resource,
		Scopes:     make([]policy.Scope, 0, len(p.Spec.Scopes)),
	}
	for _, s := range p.Spec.Scopes {
		out.Scopes = append(out.Scopes, policy.Scope{
			Name:                   s.Name,
			Description:            s.Description,
			MaxAccessTokenLifetime: Seconds(s.MaxAccessTokenLifetime),
		})
	}
	for _, a := range p.Spec.Allow {
		out.Allow = append(out.Allow, rule(a, p.Namespace))
	}
	return out
}

func rule(a v1alpha1.AllowRule, namespace string) policy.Rule {
	r := policy.Rule{Scopes: a.Scopes, ClientSelector: Selector(a.Clients), GrantTypes: GrantTypes(a.GrantTypes)}
	switch a.Namespaces.From {
	case v1alpha1.NamespacesFromAll:
	case v1alpha1.NamespacesFromSelector:
		r.NamespaceSelector = Selector(a.Namespaces.Selector)
	default:
		r.Namespaces = []string{namespace}
	}
	return r
}

// Selector is a label selector in the policy's words; nil stays nil.
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

// GrantTypes in the words of package oauth; nil stays nil.
func GrantTypes(list []v1alpha1.GrantType) []oauth.GrantType {
	if list == nil {
		return nil
	}
	out := make([]oauth.GrantType, len(list))
	for i, g := range list {
		out[i] = oauth.GrantType(g)
	}
	return out
}

// Seconds of a duration, rounded down; 0 for nil.
func Seconds(d *metav1.Duration) int64 {
	if d == nil {
		return 0
	}
	return int64(d.Duration / time.Second)
}

// InGroup says whether a namespace with these labels belongs to a group. own is
// the namespace of the object that holds the rule.
func InGroup(g v1alpha1.NamespaceGroup, own, namespace string, labels map[string]string) bool {
	switch g.From {
	case v1alpha1.NamespacesFromSame:
		return namespace == own
	case v1alpha1.NamespacesFromAll:
		return true
	case v1alpha1.NamespacesFromSelector:
		return g.Selector != nil && Selector(g.Selector).Matches(labels)
	}
	return false
}
