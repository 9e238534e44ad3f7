package oauthclient

import (
	"fmt"
	"slices"
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
	who := policy.Client{Namespace: p.client.Namespace, Name: p.client.Name, NamespaceLabels: p.namespaceLabels, Labels: p.client.Labels}
	resources := oauth.EffectiveResources(p.client.Spec.Resources, defaultResource(p.as))
	p.scopesKnown = true
	p.scopes = decideEach(set, who, p.as.Spec.Issuer, resources, p.client.Spec.Scopes, p.client.Spec.GrantTypes)
}

func defaultResource(as *v1alpha1.AuthorizationServer) string {
	if as.Spec.DefaultResource != "" {
		return as.Spec.DefaultResource
	}
	return as.Spec.Issuer
}

// decideEach decides about the scopes of a client. Those of OpenID Connect come last, for
// they count at resources where one of the API's is granted (policy.IdentityCounts).
func decideEach(set *policy.Set, who policy.Client, issuer string, resources, scopes []string, grants []v1alpha1.GrantType) []v1alpha1.ScopeResult {
	results := make([]v1alpha1.ScopeResult, len(scopes))
	beside := map[string]bool{issuer: true}
	for i, scope := range scopes {
		if oauth.IdentityScope(scope) {
			continue
		}
		var forUsers []string
		results[i], forUsers = decideScope(set, who, resources, scope, grants)
		for _, resource := range forUsers {
			beside[resource] = true
		}
	}
	counts := slices.DeleteFunc(append([]string{issuer}, resources...), func(resource string) bool { return !beside[resource] })
	slices.Sort(counts)
	for i, scope := range scopes {
		if oauth.IdentityScope(scope) {
			results[i] = decideIdentity(scope, slices.Compact(counts), grants)
		}
	}
	return results
}

// decideIdentity sums a scope of OpenID Connect up over the grant types.
func decideIdentity(scope string, resources []string, grants []v1alpha1.GrantType) v1alpha1.ScopeResult {
	for _, grant := range grants {
		if d := policy.DecideIdentity(oauth.GrantType(grant)); d.Granted {
			return v1alpha1.ScopeResult{Name: scope, Granted: true, Resources: resources, Reason: scopeReason(d.Reason)}
		}
	}
	return v1alpha1.ScopeResult{
		Name: scope, Reason: v1alpha1.ScopeReasonNotForClients,
		Message: "it is about a user, and spec.grantTypes has no grant for users (authorization_code)",
	}
}

// decideScope sums one scope of an API up over the resources and grant types: granted if
// it is for one of each. forUsers are the resources where it is granted for users.
func decideScope(set *policy.Set, who policy.Client, resources []string, scope string, grants []v1alpha1.GrantType) (result v1alpha1.ScopeResult, forUsers []string) {
	result = v1alpha1.ScopeResult{Name: scope}
	best := policy.Decision{Reason: policy.NotDeclared}
	var roles []string
	var clients bool
	for _, resource := range resources {
		granted, users := false, false
		for _, grant := range grants {
			d := set.Decide(who, resource, scope, oauth.GrantType(grant))
			if rank(d.Reason) > rank(best.Reason) {
				best = d
			}
			granted = granted || d.Granted
			users = users || d.Granted && oauth.GrantType(grant).ForUsers()
			clients = clients || d.Granted && !oauth.GrantType(grant).ForUsers()
		}
		if granted {
			result.Resources = append(result.Resources, resource)
			roles = append(roles, set.RequiredRoles(resource, scope)...)
		}
		if users {
			forUsers = append(forUsers, resource)
		}
	}
	result.Granted, result.Policy, result.Reason = best.Granted, best.Policy, scopeReason(best.Reason)
	result.Message = scopeMessage(result, resources)
	if best.Granted {
		result.Message = grantedMessage(len(forUsers) > 0, clients, roles, grants)
	}
	return result, forUsers
}

// grantedMessage says for whom a scope is granted, where that is not everybody
// that the client acts for.
func grantedMessage(users, clients bool, roles []string, grants []v1alpha1.GrantType) string {
	var parts []string
	actsForItself := slices.Contains(grants, v1alpha1.GrantClientCredentials)
	actsForUsers := slices.Contains(grants, v1alpha1.GrantAuthorizationCode)
	if actsForItself && !clients {
		parts = append(parts, "only for users, not with client_credentials")
	}
	if actsForUsers && !users {
		parts = append(parts, "only with client_credentials, not for users")
	}
	if users && len(roles) > 0 {
		slices.Sort(roles)
		parts = append(parts, fmt.Sprintf("to users who hold one of the roles %q", slices.Compact(roles)))
	}
	return clip(strings.Join(parts, "; "))
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
	case policy.BuiltIn:
		return v1alpha1.ScopeReasonBuiltIn
	case policy.NotForUsers:
		return v1alpha1.ScopeReasonNotForUsers
	case policy.NotForClients:
		return v1alpha1.ScopeReasonNotForClients
	}
	return v1alpha1.ScopeReasonNotDeclared
}

func rank(r policy.Reason) int {
	switch r {
	case policy.Allowed, policy.BuiltIn:
		return 4
	case policy.GrantTypeNotAllowed:
		return 3
	case policy.NotAllowed:
		return 2
	case policy.NotForUsers, policy.NotForClients:
		return 1
	}
	return 0
}

func scopeMessage(r v1alpha1.ScopeResult, resources []string) string {
	switch r.Reason {
	case v1alpha1.ScopeReasonAllowed, v1alpha1.ScopeReasonBuiltIn:
		return ""
	case v1alpha1.ScopeReasonNotForUsers:
		return fmt.Sprintf("ScopePolicy %s grants it to clients for themselves only (grantableTo)", r.Policy)
	case v1alpha1.ScopeReasonNotForClients:
		return fmt.Sprintf("ScopePolicy %s grants it to users only (grantableTo, or its roles)", r.Policy)
	case v1alpha1.ScopeReasonNotDeclared:
		return clip(fmt.Sprintf("no ScopePolicy in force declares it for %q", resources))
	case v1alpha1.ScopeReasonGrantTypeNotAllowed:
		return fmt.Sprintf("ScopePolicy %s allows it with none of the client's grant types", r.Policy)
	}
	return fmt.Sprintf("ScopePolicy %s declares it and no rule allows it to this client", r.Policy)
}

// clip keeps to the length of a message of a scope.
func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), 1024)], "") }
