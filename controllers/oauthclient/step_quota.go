package oauthclient

import (
	"context"
	"maps"
	"slices"
	"sync"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/access"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
)

// usage is the registration Secrets of a namespace at a server.
type usage []*corev1.Secret

// redirectURIs counts them. Each Secret must be read for that.
func (u usage) redirectURIs() int {
	n := 0
	for _, s := range u {
		n += len(readRecord(s).State.RedirectURIs)
	}
	return n
}

// admitClient lets a client be registered that was not before, if the quota of its
// namespace permits it. Until release is called, nothing else is admitted in the
// namespace: the next one counts what this one writes.
func (r *Reconciler) admitClient(ctx context.Context, p *pass) (release func(), _ *problem) {
	if _, held := p.server.Inventory().Client(keyOf(p.client)); held || p.client.Status.CredentialsSecret != "" {
		return func() {}, nil // it was registered, and its registration Secret is lost
	}
	return r.admit(ctx, p, func(others usage) *problem {
		if l := p.rights.MaxClients(); l.Exceeded(len(others) + 1) {
			return refusedBy(v1alpha1.ReasonQuotaExceeded,
				"namespace %s has %d clients at AuthorizationServer %s and may have %d, by spec.quota.clients of NamespaceAccess %s/%s: have that raised. A deleted OAuthClient counts until the server has deregistered it",
				p.client.Namespace, len(others), p.serverKey, l.Max, p.serverKey.Namespace, l.By)
		}
		return tooManyURIs(p, others)
	})
}

// admitURIs lets a client change its redirect URIs. More than before it gets only if
// the quota permits them. Of a record whose state was lost nothing is known.
func (r *Reconciler) admitURIs(ctx context.Context, p *pass, found *record) (release func(), _ *problem) {
	if found.State.Version == 0 || len(p.client.Spec.RedirectURIs) <= len(found.State.RedirectURIs) {
		return func() {}, nil
	}
	return r.admit(ctx, p, func(others usage) *problem { return tooManyURIs(p, others) })
}

func tooManyURIs(p *pass, others usage) *problem {
	mine := len(p.client.Spec.RedirectURIs)
	l := p.rights.MaxRedirectURIs()
	if mine == 0 || l.By == "" {
		return nil
	}
	theirs := others.redirectURIs()
	if !l.Exceeded(theirs + mine) {
		return nil
	}
	return refusedBy(v1alpha1.ReasonQuotaExceeded,
		"spec.redirectURIs lists %d, the other OAuthClients of namespace %s have %d at AuthorizationServer %s, and together they may have %d, by spec.quota.redirectURIs of NamespaceAccess %s/%s: list fewer, or have that raised",
		mine, p.client.Namespace, theirs, p.serverKey, l.Max, p.serverKey.Namespace, l.By)
}

// admit asks judge with what the other clients of the namespace have.
func (r *Reconciler) admit(ctx context.Context, p *pass, judge func(others usage) *problem) (release func(), _ *problem) {
	none := access.Limit{}
	if p.rights.MaxClients() == none && p.rights.MaxRedirectURIs() == none {
		return func() {}, nil
	}
	q := r.quotas.of(p.client.Namespace)
	q.admitting.Lock()
	q.wait(keyOf(p.client)) // before counting, so that no room is missed that is made meanwhile
	others, err := r.others(ctx, p)
	if err != nil {
		q.admitting.Unlock()
		return func() {}, fromKubernetes(err, "count the registrations of the namespace")
	}
	if problem := judge(others); problem != nil {
		q.admitting.Unlock()
		return func() {}, problem
	}
	q.leave(keyOf(p.client))
	return q.admitting.Unlock, nil
}

// others counts the registrations of the client's namespace at its server, without
// its own. What this process wrote counts as it was written, for the next client is
// admitted before the cache shows it.
func (r *Reconciler) others(ctx context.Context, p *pass) (usage, error) {
	var list corev1.SecretList
	err := r.Client.List(ctx, &list, client.InNamespace(p.serverKey.Namespace),
		client.MatchingFields{indexUse: useKey(p.serverKey, p.client.Namespace)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, err
	}
	use, own := useKey(p.serverKey, p.client.Namespace), p.recordKey().Name
	byName := map[string]*corev1.Secret{}
	listed := make([]client.Object, len(list.Items))
	for i := range list.Items {
		listed[i] = &list.Items[i]
		byName[list.Items[i].Name] = &list.Items[i]
	}
	for _, o := range r.Client.Newer(&corev1.Secret{}, p.serverKey.Namespace, listed) {
		if s := o.(*corev1.Secret); s.Labels[v1alpha1.LabelSecretKind] == v1alpha1.SecretKindRegistration && useKey(serverOf(s), ownerOf(s).Namespace) == use {
			byName[s.Name] = s
		}
	}
	delete(byName, own)
	return slices.Collect(maps.Values(byName)), nil
}

// useKey is what indexUse has of a registration Secret.
func useKey(server types.NamespacedName, namespace string) string {
	return server.String() + " " + namespace
}

// quotas has, for each namespace with a quota, the OAuthClients that wait for room.
type quotas struct {
	mu         sync.Mutex
	namespaces map[string]*namespaceQuota
}

type namespaceQuota struct {
	// admitting is held from counting until what is admitted is written.
	admitting sync.Mutex

	mu      sync.Mutex
	waiting map[types.NamespacedName]struct{}
}

func newQuotas() *quotas { return &quotas{namespaces: map[string]*namespaceQuota{}} }

func (q *quotas) of(namespace string) *namespaceQuota {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.namespaces[namespace]
	if n == nil {
		n = &namespaceQuota{waiting: map[types.NamespacedName]struct{}{}}
		q.namespaces[namespace] = n
	}
	return n
}

// wait notes an OAuthClient that the quota may refuse.
func (n *namespaceQuota) wait(key types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting[key] = struct{}{}
}

func (n *namespaceQuota) leave(key types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.waiting, key)
}

// take returns all that wait in a namespace. Those that are refused again wait again.
func (q *quotas) take(namespace string) []types.NamespacedName {
	q.mu.Lock()
	n := q.namespaces[namespace]
	q.mu.Unlock()
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	keys := slices.Collect(maps.Keys(n.waiting))
	clear(n.waiting)
	return keys
}

// roomMade queues the OAuthClients that the quota of a namespace refused when a
// registration Secret of the namespace is deleted or changes.
func (r *Reconciler) roomMade() handler.EventHandler {
	wake := func(o client.Object, q queue) {
		if o.GetLabels()[v1alpha1.LabelSecretKind] != v1alpha1.SecretKindRegistration {
			return
		}
		for _, key := range r.quotas.take(ownerOf(o).Namespace) {
			q.Add(request{NamespacedName: key})
		}
	}
	return handler.Funcs{
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { wake(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { wake(e.Object, q) },
	}
}
