package oauthclient

import (
	"context"
	"fmt"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/access"
	"clientele.dev/clientele/controllers/internal/outcome"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// checkAllowed holds the client against what the NamespaceAccesses of its server
// give its namespace.
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
	given, err := r.accessAt(ctx, p.serverKey)
	if err != nil {
		return fromKubernetes(err, "list the NamespaceAccesses")
	}
	p.namespaceLabels = ns.Labels
	p.rights = given.For(&ns)
	p.hosts = redirectHosts(p.client, p.as)
	p.denied = denied(p, given.Empty())
	if p.client.Spec.DeletionPolicy == v1alpha1.DeletionPolicyOrphan && !p.rights.Orphan() {
		p.withheld = refusedBy(v1alpha1.ReasonOrphanNotAllowed,
			"spec.deletionPolicy Orphan needs %s with spec.clients.orphan true; until then a deleted OAuthClient is deregistered, as with Delete", anAccess(p))
	}
	return nil
}

// accessAt reads the NamespaceAccesses of a server.
func (r *Reconciler) accessAt(ctx context.Context, server types.NamespacedName) (access.Server, error) {
	var list v1alpha1.NamespaceAccessList
	err := r.Client.List(ctx, &list, client.InNamespace(server.Namespace), client.UnsafeDisableDeepCopy)
	return access.Of(server, list.Items), err
}

// refusedBy is a problem that only a change of a NamespaceAccess or of the
// OAuthClient ends, which brings the client back.
func refusedBy(reason, format string, args ...any) *problem {
	p := liftable(stalled(reason, format, args...))
	p.outcome = outcome.Wait(safetyNet)
	return p
}

// denied says why the platform does not allow a client; nil if it does.
func denied(p *pass, noAccess bool) *problem {
	switch {
	case p.rights.Clients():
	case noAccess:
		return refusedBy(v1alpha1.ReasonNamespaceNotAllowed,
			"AuthorizationServer %s has no NamespaceAccess, so only namespace %s may have OAuthClients there. Namespace %s needs %s and has spec.clients. %s",
			p.serverKey, p.serverKey.Namespace, p.client.Namespace, anAccess(p), access.FirstObjectWarning(p.serverKey.Namespace))
	default:
		return refusedBy(v1alpha1.ReasonNamespaceNotAllowed,
			"no NamespaceAccess of AuthorizationServer %s lets namespace %s have OAuthClients: it needs %s with spec.clients",
			p.serverKey, p.client.Namespace, anAccess(p))
	}
	if problem := deniedID(p); problem != nil {
		return problem
	}
	return deniedHost(p)
}

// anAccess describes the object that can permit what is refused.
func anAccess(p *pass) string {
	return fmt.Sprintf("a NamespaceAccess in namespace %s that matches namespace %s", p.serverKey.Namespace, p.client.Namespace)
}

// deniedID says why a client may not have its id; nil if it may.
func deniedID(p *pass) *problem {
	id := clientID(p.client)
	if p.rights.ClientID(id) {
		return nil
	}
	return refusedBy(v1alpha1.ReasonClientIDNotAllowed,
		"spec.clientID %q must start with %q, or with a prefix in spec.clients.clientIDPrefixes of %s; no prefix permits an id that reads like the default id of another namespace (only a-z 0-9 - before its first dot)",
		id, p.client.Namespace+".", anAccess(p))
}

// deniedHost says which redirect URI leads where it may not; nil if none does.
func deniedHost(p *pass) *problem {
	for _, to := range p.hosts {
		if !p.rights.RedirectHost(to.host) {
			return refusedBy(v1alpha1.ReasonRedirectHostNotAllowed,
				"spec.%s leads to %q: lead it elsewhere, or have that host added to spec.clients.redirectHosts of %s%s",
				to.field, to.host, anAccess(p), seenIn(p.rights.Names()))
		}
	}
	return nil
}

// seenIn names the objects that count already.
func seenIn(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" (these match: %s)", strings.Join(names, ", "))
}

// redirectHost is where a redirect URI leads: a host, or a private-use scheme with its
// colon. Without the colon com.example.app: would be the host com.example.app, whose owner
// is another.
type redirectHost struct{ field, host string }

// redirectHosts are where the client's redirect URIs lead. A URI that is none is
// left out: the registration's own rules refuse it.
func redirectHosts(oac *v1alpha1.OAuthClient, as *v1alpha1.AuthorizationServer) []redirectHost {
	var hosts []redirectHost
	for _, list := range []struct {
		field string
		uris  []string
	}{{"redirectURIs", oac.Spec.RedirectURIs}, {"postLogoutRedirectURIs", oac.Spec.PostLogoutRedirectURIs}} {
		for i, s := range list.uris {
			if uri, err := oauth.ParseRedirectURI(s, as.Spec.Registration.PrivateUseSchemes...); err == nil {
				host := uri.Host()
				if uri.Kind() == oauth.RedirectPrivateUse {
					host += ":"
				}
				hosts = append(hosts, redirectHost{fmt.Sprintf("%s[%d]", list.field, i), host})
			}
		}
	}
	return hosts
}

// hostNames are the hosts alone.
func (p *pass) hostNames() []string {
	names := make([]string, len(p.hosts))
	for i, to := range p.hosts {
		names[i] = to.host
	}
	return names
}

// trusted: users are not asked for consent.
func (p *pass) trusted() bool {
	return forUsers(&p.client.Spec) && p.rights.Trusted(p.hostNames())
}

// pkceExempt: the client asks for the exception, and the platform permits it.
func (p *pass) pkceExempt() bool {
	spec := &p.client.Spec
	return spec.PKCE == v1alpha1.PKCEOptional && forUsers(spec) && authMethod(spec) != oauth.AuthNone && p.rights.PKCEOptional(p.hostNames())
}

// deletionPolicy is what becomes of the registration when the OAuthClient goes.
// Orphan counts only while it is permitted; what is orphaned already stays so.
func (p *pass) deletionPolicy() v1alpha1.DeletionPolicy {
	if p.withheld != nil && p.withheld.reason == v1alpha1.ReasonOrphanNotAllowed {
		return v1alpha1.DeletionPolicyDelete
	}
	return p.client.Spec.DeletionPolicy
}

// clientID is the client's id: the spec's, or one that stays the same when the
// object is made again.
func clientID(oac *v1alpha1.OAuthClient) string {
	if oac.Spec.ClientID != "" {
		return oac.Spec.ClientID
	}
	return oac.Namespace + "." + oac.Name
}
