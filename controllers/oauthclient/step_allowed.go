package oauthclient

import (
	"context"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
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
	id := clientID(oac)
	// A namespace name has no dot, so this prefix is nobody else's.
	if strings.HasPrefix(id, ns.Name+".") && len(id) > len(ns.Name)+1 {
		return nil
	}
	for _, prefix := range rule.ClientIDPrefixes {
		if strings.HasPrefix(id, prefix) {
			return nil
		}
	}
	p := stalled(v1alpha1.ReasonClientIDNotAllowed,
		"spec.clientID %q must start with %q, or with a prefix that AuthorizationServer %s/%s allows this namespace (spec.allowedClients)",
		id, ns.Name+".", as.Namespace, as.Name)
	p.outcome = outcome.Wait(safetyNet)
	return p
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
