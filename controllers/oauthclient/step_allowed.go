package oauthclient

import (
	"context"
	"slices"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/outcome"
	"clientele.dev/clientele/controllers/internal/rules"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// checkAllowed holds the client against spec.allowedClients of its server.
func (r *Reconciler) checkAllowed(ctx context.Context, p *pass) *problem {
	var ns corev1.Namespace
	if err := r.Client.Get(ctx, types.NamespacedName{Name: p.client.Namespace}, &ns, client.UnsafeDisableDeepCopy); err != nil {
		return fromKubernetes(err, "read the namespace")
	}
	if ns.DeletionTimestamp != nil {
		return &problem{
			reason: v1alpha1.ReasonNamespaceNotAllowed, message: "the namespace is being deleted",
			quiet: true, outcome: outcome.Wait(lookAgain),
		}
	}
	p.namespaceLabels = ns.Labels
	if rule := allowedRule(p.as, &ns); rule != nil {
		p.allowed = *rule
	}
	p.denied = denied(p.client, p.as, &ns)
	return nil
}

// denied says why the platform does not allow a client; nil if it does.
func denied(oac *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, ns *corev1.Namespace) *problem {
	rule := allowedRule(as, ns)
	if rule == nil {
		p := stalled(v1alpha1.ReasonNamespaceNotAllowed,
			"AuthorizationServer %s/%s does not allow OAuthClients in namespace %s (spec.allowedClients)", as.Namespace, as.Name, ns.Name)
		p.outcome = outcome.Wait(safetyNet)
		return p
	}
	if problem := deniedID(oac, as, rule, ns.Name); problem != nil {
		return problem
	}
	return deniedHost(oac, as, rule)
}

// deniedID says why a client may not have its id; nil if it may.
func deniedID(oac *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, rule *v1alpha1.AllowedClients, namespace string) *problem {
	id := clientID(oac)
	// A namespace name has no dot, so this prefix is nobody else's.
	if strings.HasPrefix(id, namespace+".") && len(id) > len(namespace)+1 {
		return nil
	}
	for _, prefix := range rule.ClientIDPrefixes {
		if strings.HasPrefix(id, prefix) {
			return nil
		}
	}
	p := stalled(v1alpha1.ReasonClientIDNotAllowed,
		"spec.clientID %q must start with %q, or with a prefix that AuthorizationServer %s/%s allows this namespace (spec.allowedClients)",
		id, namespace+".", as.Namespace, as.Name)
	p.outcome = outcome.Wait(safetyNet)
	return p
}

// deniedHost says which redirect URI leads where it may not; nil if none does. A
// URI that is none is not judged here: the registration's own rules refuse it.
func deniedHost(oac *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer, rule *v1alpha1.AllowedClients) *problem {
	if len(rule.RedirectHosts) == 0 {
		return nil
	}
	for _, list := range []struct {
		field string
		uris  []string
	}{{"redirectURIs", oac.Spec.RedirectURIs}, {"postLogoutRedirectURIs", oac.Spec.PostLogoutRedirectURIs}} {
		for i, s := range list.uris {
			uri, err := oauth.ParseRedirectURI(s, as.Spec.Registration.PrivateUseSchemes...)
			if err != nil || hostAllowed(rule.RedirectHosts, uri.Host()) {
				continue
			}
			p := stalled(v1alpha1.ReasonRedirectHostNotAllowed,
				"spec.%s[%d] leads to %q, which AuthorizationServer %s/%s does not allow this namespace (spec.allowedClients, redirectHosts)",
				list.field, i, uri.Host(), as.Namespace, as.Name)
			p.outcome = outcome.Wait(safetyNet)
			return p
		}
	}
	return nil
}

// hostAllowed compares a host, or a private-use scheme, with those of the rule.
// Hosts of redirect URIs have one spelling only, in lower case.
func hostAllowed(allowed []string, host string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		below, wildcard := strings.CutPrefix(a, "*")
		return a == host || wildcard && strings.HasSuffix(host, below) && len(host) > len(below)
	})
}

// allowedRule is the first rule that a namespace matches; nil if there is none.
func allowedRule(as *v1alpha1.AuthorizationServer, ns *corev1.Namespace) *v1alpha1.AllowedClients {
	if as.Spec.AllowedClients == nil {
		if ns.Name == as.Namespace {
			return &v1alpha1.AllowedClients{}
		}
		return nil
	}
	for i := range *as.Spec.AllowedClients {
		rule := &(*as.Spec.AllowedClients)[i]
		if rules.Includes(rule.Namespaces, as.Namespace, ns) {
			return rule
		}
	}
	return nil
}

// clientID is the client's id: the spec's, or one that stays the same when the
// object is made again.
func clientID(oac *v1alpha1.OAuthClient) string {
	if oac.Spec.ClientID != "" {
		return oac.Spec.ClientID
	}
	return oac.Namespace + "." + oac.Name
}
