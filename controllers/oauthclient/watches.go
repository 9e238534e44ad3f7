package oauthclient

import (
	"context"
	"maps"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/access"
	"clientele.dev/clientele/controllers/internal/watch"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// clientChanges lets through what the reconciler reads: no status write of its
// own comes back.
func clientChanges() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		rotate := v1alpha1.AnnotationRotateSecret
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() ||
			e.ObjectOld.GetUID() != e.ObjectNew.GetUID() ||
			!maps.Equal(e.ObjectOld.GetLabels(), e.ObjectNew.GetLabels()) ||
			e.ObjectOld.GetAnnotations()[rotate] != e.ObjectNew.GetAnnotations()[rotate] ||
			watch.AsksAgain(e.ObjectOld, e.ObjectNew) ||
			(e.ObjectOld.GetDeletionTimestamp() == nil) != (e.ObjectNew.GetDeletionTimestamp() == nil)
	}}
}

func secretChanges() predicate.Predicate {
	ours := predicate.NewPredicateFuncs(func(o client.Object) bool {
		kind := o.GetLabels()[v1alpha1.LabelSecretKind]
		return kind == v1alpha1.SecretKindRegistration || kind == v1alpha1.SecretKindCredentials
	})
	return predicate.And(ours, predicate.ResourceVersionChangedPredicate{})
}

// serverChanges: the server's status is told by the registrar, and quicker; but for the
// CA that apps need.
func serverChanges() predicate.Predicate {
	ca := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.(*v1alpha1.AuthorizationServer).Status.CABundle != e.ObjectNew.(*v1alpha1.AuthorizationServer).Status.CABundle
	}}
	return predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, ca)
}

// forgetDeleted has nothing replace a deleted Secret when its owner is looked at.
func (r *Reconciler) forgetDeleted(h handler.EventHandler) handler.EventHandler {
	return handler.Funcs{
		CreateFunc: h.Create,
		UpdateFunc: h.Update,
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) {
			r.Client.Forget(e.Object)
			h.Delete(ctx, e, q)
		},
	}
}

// ofSecret maps a Secret to its owner.
func (r *Reconciler) ofSecret(_ context.Context, o client.Object) []request {
	owner := ownerOf(o)
	if owner.Name == "" {
		return nil
	}
	return []request{{NamespacedName: owner}}
}

func (r *Reconciler) ofServerObject(ctx context.Context, o client.Object) []request {
	return r.ofServer(ctx, client.ObjectKeyFromObject(o))
}

// ofServer maps a server to its OAuthClients, to those that wait to be
// deregistered there, and to registrations whose OAuthClient is gone.
func (r *Reconciler) ofServer(ctx context.Context, key types.NamespacedName) []request {
	seen := map[types.NamespacedName]struct{}{}
	var clients v1alpha1.OAuthClientList
	if r.list(ctx, &clients, client.MatchingFields{indexServer: key.String()}) {
		for i := range clients.Items {
			seen[keyOf(&clients.Items[i])] = struct{}{}
		}
	}
	var secrets corev1.SecretList
	if r.list(ctx, &secrets, client.InNamespace(key.Namespace), client.MatchingLabels{v1alpha1.LabelSecretKind: v1alpha1.SecretKindRegistration}) {
		for i := range secrets.Items {
			if s := &secrets.Items[i]; serverOf(s) == key {
				seen[ownerOf(s)] = struct{}{}
			}
		}
	}
	if server, ok := r.Servers.Lookup(key); ok {
		for _, owner := range server.Brake().Waiting() {
			seen[owner] = struct{}{}
		}
	}
	requests := make([]request, 0, len(seen))
	for key := range seen {
		requests = append(requests, request{NamespacedName: key})
	}
	return requests
}

// ofAccess are the OAuthClients that a NamespaceAccess says something about. The
// server's own namespace has other rights while there is no NamespaceAccess, so that
// the first and the last one touch it too.
func (r *Reconciler) ofAccess(ctx context.Context, o *v1alpha1.NamespaceAccess, comesOrGoes bool) []request {
	key := access.ServerKey(o)
	given, err := r.accessAt(ctx, key)
	var clients v1alpha1.OAuthClientList
	if err != nil || !r.list(ctx, &clients, client.MatchingFields{indexServer: key.String()}) {
		return nil
	}
	touched := map[string]bool{}
	if comesOrGoes && given.Only(o) {
		touched[key.Namespace] = true
	}
	var requests []request
	for i := range clients.Items {
		namespace := clients.Items[i].Namespace
		if _, known := touched[namespace]; !known {
			touched[namespace] = r.matches(ctx, o, namespace)
		}
		if touched[namespace] {
			requests = append(requests, request{NamespacedName: keyOf(&clients.Items[i])})
		}
	}
	return requests
}

// matches says whether a NamespaceAccess says something about the clients of a
// namespace.
func (r *Reconciler) matches(ctx context.Context, o *v1alpha1.NamespaceAccess, namespace string) bool {
	if o.Spec.Clients == nil && o.Spec.Quota == nil {
		return false
	}
	var ns corev1.Namespace
	err := r.Client.Get(ctx, types.NamespacedName{Name: namespace}, &ns, client.UnsafeDisableDeepCopy)
	return err == nil && access.Matches(o, &ns)
}

// markPolicies notes that a ScopePolicy changed; inventorySource brings whom it
// concerns.
func (r *Reconciler) markPolicies(_ context.Context, o client.Object) []request {
	sp := o.(*v1alpha1.ScopePolicy)
	if server, mine := r.Operator.Server(sp.Spec.ServerRef, sp.Status.ServerRef); mine {
		r.changes.mark(server)
	}
	return nil
}

// ofServerPolicies are the OAuthClients of a server where its policies now grant
// something else.
func (r *Reconciler) ofServerPolicies(ctx context.Context, server *registrar.Server) []request {
	if !r.policies.refresh(server) {
		return nil
	}
	var clients v1alpha1.OAuthClientList
	if !r.list(ctx, &clients, client.MatchingFields{indexServer: server.Key().String()}) {
		return nil
	}
	var requests []request
	for i := range clients.Items {
		if oac := &clients.Items[i]; len(oac.Spec.Scopes) > 0 {
			requests = append(requests, request{NamespacedName: keyOf(oac)})
		}
	}
	return requests
}

func (r *Reconciler) ofNamespace(ctx context.Context, o client.Object) []request {
	var clients v1alpha1.OAuthClientList
	if !r.list(ctx, &clients, client.InNamespace(o.GetName())) {
		return nil
	}
	requests := make([]request, 0, len(clients.Items))
	for i := range clients.Items {
		requests = append(requests, request{NamespacedName: keyOf(&clients.Items[i])})
	}
	return requests
}

// list reads from the cache without a copy; it waits for nothing.
func (r *Reconciler) list(ctx context.Context, into client.ObjectList, opts ...client.ListOption) bool {
	opts = append(opts, client.UnsafeDisableDeepCopy)
	return r.Client.List(ctx, into, opts...) == nil
}

// inventorySource brings what changed at a server behind the operator's back.
func (r *Reconciler) inventorySource() source.Source {
	return source.Func(func(ctx context.Context, q queue) error {
		add := func(requests []request) {
			for _, req := range requests {
				q.Add(req)
			}
		}
		go r.changes.run(ctx, func(key registrar.Key) {
			if server, ok := r.Servers.Lookup(key); ok {
				add(r.ofServerPolicies(ctx, server))
			}
		})
		r.Servers.Subscribe(registrar.Subscriber{
			Client:    func(_ registrar.Key, owner types.NamespacedName) { q.Add(request{NamespacedName: owner}) },
			Policy:    func(key registrar.Key, _ string) { r.changes.mark(key) },
			Recovered: func(key registrar.Key) { add(r.ofServer(ctx, key)) },
		})
		return nil
	})
}
