// Package access decides what a namespace may have at an AuthorizationServer, by
// the NamespaceAccesses of that server. The decisions are pure.
//
//	access.go     what a namespace may have of clients
//	resources.go  who may declare which resource
//	changes.go    what a change of a NamespaceAccess touches
package access

import (
	"cmp"
	"slices"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/rules"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// template stands for the name of the namespace whose right is decided.
const template = "{namespace}"

// anyHost is the item of redirectHosts that covers every host.
const anyHost = "*"

// Server is all NamespaceAccesses of one AuthorizationServer.
type Server struct {
	namespace string
	objects   []*v1alpha1.NamespaceAccess // by name
}

// Of picks the NamespaceAccesses of a server. They are not copied.
func Of(server types.NamespacedName, all []v1alpha1.NamespaceAccess) Server {
	s := Server{namespace: server.Namespace}
	for i := range all {
		if ServerKey(&all[i]) == server {
			s.objects = append(s.objects, &all[i])
		}
	}
	slices.SortFunc(s.objects, func(a, b *v1alpha1.NamespaceAccess) int { return cmp.Compare(a.Name, b.Name) })
	return s
}

// ServerKey is the AuthorizationServer of a NamespaceAccess.
func ServerKey(o *v1alpha1.NamespaceAccess) types.NamespacedName {
	key := types.NamespacedName{Namespace: o.Namespace, Name: v1alpha1.DefaultServerName}
	if o.Spec.ServerRef != nil {
		key.Name = o.Spec.ServerRef.Name
	}
	return key
}

// Matches says whether a NamespaceAccess gives its rights to a namespace.
func Matches(o *v1alpha1.NamespaceAccess, ns *corev1.Namespace) bool {
	return rules.Includes(o.Spec.Namespaces, o.Namespace, ns)
}

// Empty says that the server has no NamespaceAccess.
func (s Server) Empty() bool { return len(s.objects) == 0 }

// Only says that the server has no NamespaceAccess but, perhaps, this one.
func (s Server) Only(o *v1alpha1.NamespaceAccess) bool {
	return !slices.ContainsFunc(s.objects, func(other *v1alpha1.NamespaceAccess) bool { return other.Name != o.Name })
}

// byDefault are the rights of the server's own namespace while the server has no
// NamespaceAccess.
var byDefault = &v1alpha1.NamespaceAccess{Spec: v1alpha1.NamespaceAccessSpec{
	Clients: &v1alpha1.ClientAccess{RedirectHosts: []string{anyHost}},
}}

// FirstObjectWarning completes a message that asks for the first NamespaceAccess of a
// server: following the message must not take away the rights of the server's own
// namespace.
func FirstObjectWarning(own string) string {
	return "Beware: as soon as there is one, namespace " + own + " has only what a NamespaceAccess gives it. If it has OAuthClients or ScopePolicies, make one for it first, with namespaces.from Same"
}

// For returns what a namespace may have.
func (s Server) For(ns *corev1.Namespace) Rights {
	r := Rights{namespace: ns.Name}
	if s.Empty() && ns.Name == s.namespace {
		r.objects = []*v1alpha1.NamespaceAccess{byDefault}
	}
	for _, o := range s.objects {
		if Matches(o, ns) {
			r.objects = append(r.objects, o)
		}
	}
	return r
}

// Rights is what one namespace may have. The zero value is nothing.
type Rights struct {
	namespace string
	objects   []*v1alpha1.NamespaceAccess // that match it, by name
}

// any says whether one of the objects gives clients something.
func (r Rights) any(gives func(*v1alpha1.ClientAccess) bool) bool {
	return slices.ContainsFunc(r.objects, func(o *v1alpha1.NamespaceAccess) bool {
		return o.Spec.Clients != nil && gives(o.Spec.Clients)
	})
}

// Clients: the namespace may have OAuthClients.
func (r Rights) Clients() bool {
	return r.any(func(*v1alpha1.ClientAccess) bool { return true })
}

// Orphan: its OAuthClients may have deletionPolicy Orphan.
func (r Rights) Orphan() bool {
	return r.any(func(c *v1alpha1.ClientAccess) bool { return c.Orphan })
}

// RedirectHost: redirect URIs may lead to a host, or to a private-use scheme (with its colon). Hosts
// of redirect URIs have one spelling only, in lower case.
func (r Rights) RedirectHost(host string) bool {
	return r.any(func(c *v1alpha1.ClientAccess) bool { return r.covers(c, host) })
}

// Trusted: a client whose redirect URIs lead to these hosts is trusted.
func (r Rights) Trusted(hosts []string) bool {
	return r.any(func(c *v1alpha1.ClientAccess) bool { return c.Trusted && r.coversAll(c, hosts) })
}

// PKCEOptional: a client whose redirect URIs lead to these hosts may do without
// PKCE.
func (r Rights) PKCEOptional(hosts []string) bool {
	return r.any(func(c *v1alpha1.ClientAccess) bool { return c.PKCEOptional && r.coversAll(c, hosts) })
}

func (r Rights) coversAll(c *v1alpha1.ClientAccess, hosts []string) bool {
	return !slices.ContainsFunc(hosts, func(host string) bool { return !r.covers(c, host) })
}

func (r Rights) covers(c *v1alpha1.ClientAccess, host string) bool {
	return slices.ContainsFunc(c.RedirectHosts, func(pattern string) bool {
		pattern = expand(pattern, r.namespace)
		below, wildcard := strings.CutPrefix(pattern, "*")
		return pattern == anyHost || pattern == host ||
			wildcard && strings.HasSuffix(host, below) && len(host) > len(below)
	})
}

// ClientID: its OAuthClients may have a client id. Those that begin with the
// namespace's name and a dot are its own, and no prefix gives it another
// namespace's.
func (r Rights) ClientID(id string) bool {
	if rest, own := strings.CutPrefix(id, r.namespace+"."); own {
		return rest != ""
	}
	if ofAnotherNamespace(id) {
		return false
	}
	return r.any(func(c *v1alpha1.ClientAccess) bool {
		return slices.ContainsFunc(c.ClientIDPrefixes, func(prefix string) bool {
			return strings.HasPrefix(id, expand(prefix, r.namespace))
		})
	})
}

// ofAnotherNamespace says whether an id reads `<namespace>.<more>`. It does not ask
// which namespaces exist: one of that name may be made later.
func ofAnotherNamespace(id string) bool {
	head, _, dotted := strings.Cut(id, ".")
	return dotted && head != "" && strings.Trim(head, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func expand(pattern, namespace string) string {
	return strings.ReplaceAll(pattern, template, namespace)
}

// maxNames is how many objects a status or a message names.
const maxNames = 8

// Names are the objects that say something about the namespace's clients, at most
// 8 of them, in a fixed order.
func (r Rights) Names() []string {
	var names []string
	for _, o := range r.objects {
		if o != byDefault && len(names) < maxNames && (o.Spec.Clients != nil || o.Spec.Quota != nil) {
			names = append(names, o.Name)
		}
	}
	return names
}

// Limit is how many of something a namespace may have.
type Limit struct {
	Max int
	// By is the name of the NamespaceAccess that sets it; empty: there is no limit.
	By string
}

// Exceeded says whether a number is more than the limit.
func (l Limit) Exceeded(n int) bool { return l.By != "" && n > l.Max }

// MaxClients is how many clients the namespace may have.
func (r Rights) MaxClients() Limit {
	return r.largest(func(q *v1alpha1.AccessQuota) *int32 { return q.Clients })
}

// MaxRedirectURIs is how many redirect URIs its clients may have together.
func (r Rights) MaxRedirectURIs() Limit {
	return r.largest(func(q *v1alpha1.AccessQuota) *int32 { return q.RedirectURIs })
}

func (r Rights) largest(limit func(*v1alpha1.AccessQuota) *int32) Limit {
	var l Limit
	for _, o := range r.objects {
		if o.Spec.Quota == nil {
			continue
		}
		if n := limit(o.Spec.Quota); n != nil && (l.By == "" || int(*n) > l.Max) {
			l = Limit{Max: int(*n), By: o.Name}
		}
	}
	return l
}
