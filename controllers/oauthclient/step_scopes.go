package oauthclient

import (
	"fmt"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

// decideScopes asks, for each scope, the same rules that the server asks at each
// grant, about the policies that the server holds.
func (r *Reconciler) decideScopes(p *pass) {
	if p.server == nil || !p.server.Inventory().Synced() || p.namespaceLabels == nil {
		return
	}
	set := r.policies.of(p.server)
	who := policy.Client{Namespace: p.client.Namespace, NamespaceLabels: p.namespaceLabels, Labels: p.client.Labels}
	resources := oauth.EffectiveResources(p.client.Spec.Resources, defaultResource(p.as))
	p.scopesKnown = true
	for _, scope := range p.client.Spec.Scopes {
		p.scopes = append(p.scopes, decideScope(set, who, resources, scope, p.client.Spec.GrantTypes))
	}
}

func defaultResource(as *v1alpha1.AuthorizationServer) string {
	if as.Spec.DefaultResource != "" {
		return as.Spec.DefaultResource
	}
	return as.Spec.Issuer
}

// decideScope sums one scope up over the resources and grant types: granted if
// it is for one of each.
func decideScope(set *policy.Set, who policy.Client, resources []string, scope string, grants []v1alpha1.GrantType) v1alpha1.ScopeResult {
	result := v1alpha1.ScopeResult{Name: scope}
	best := policy.Decision{Reason: policy.NotDeclared}
	for _, resource := range resources {
		for _, grant := range grants {
			d := set.Decide(who, resource, scope, oauth.GrantType(grant))
			if rank(d.Reason) > rank(best.Reason) {
				best = d
			}
			if d.Granted {
				result.Resources = append(result.Resources, resource)
				break
			}
		}
	}
	result.Granted, result.Policy, result.Reason = best.Granted, best.Policy, scopeReason(best.Reason)
	result.Message = scopeMessage(result, resources)
	return result
}

// scopeReason is the same word in the API's vocabulary.
func scopeReason(r policy.Reason) string {
	switch r {
	case policy.Allowed:
		return v1alpha1.ScopeReasonAllowed
	case policy.NotAllowed:
		return v1alpha1.ScopeReasonNotAllowed
	case policy.GrantTypeNotAllowed:
		return v1alpha1.ScopeReasonGrantTypeNotAllowed
	}
	return v1alpha1.ScopeReasonNotDeclared
}

func rank(r policy.Reason) int {
	switch r {
	case policy.Allowed:
		return 3
	case policy.GrantTypeNotAllowed:
		return 2
	case policy.NotAllowed:
		return 1
	}
	return 0
}

func scopeMessage(r v1alpha1.ScopeResult, resources []string) string {
	switch r.Reason {
	case v1alpha1.ScopeReasonAllowed:
		return ""
	case v1alpha1.ScopeReasonNotDeclared:
		return clip(fmt.Sprintf("no ScopePolicy in force declares it for %q", resources))
	case v1alpha1.ScopeReasonGrantTypeNotAllowed:
		return fmt.Sprintf("ScopePolicy %s allows it with none of the client's grant types", r.Policy)
	}
	return fmt.Sprintf("ScopePolicy %s declares it and no rule allows it to this client", r.Policy)
}

// clip keeps to the length of a message of a scope.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 1024)], "") }
