package scopepolicy

import (
	"context"
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/access"
	"clientele.dev/clientele/controllers/internal/rules"
	"clientele.dev/clientele/controllers/internal/watch"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// The indexes of ScopePolicies in the cache; the first two of this operator's only.
const (
	indexServer = "clientele.server" // namespace/name of the AuthorizationServer
	indexClaim  = "clientele.claim"  // the same, and the resource
	indexUID    = "clientele.uid"
)

// AddIndexes adds the indexes that this package's controllers look up by.
func AddIndexes(ctx context.Context, indexer client.FieldIndexer, operator rules.Operator) error {
	ofMine := func(key func(types.NamespacedName, *v1alpha1.ScopePolicy) string) func(*v1alpha1.ScopePolicy) []string {
		return func(sp *v1alpha1.ScopePolicy) []string {
			if server, mine := operator.Server(sp.Spec.ServerRef, sp.Status.ServerRef); mine {
				return []string{key(server, sp)}
			}
			return nil
		}
	}
	for name, keys := range map[string]func(*v1alpha1.ScopePolicy) []string{
		indexServer: ofMine(func(server types.NamespacedName, _ *v1alpha1.ScopePolicy) string { return server.String() }),
		indexClaim:  ofMine(claimKey),
		indexUID:    func(sp *v1alpha1.ScopePolicy) []string { return []string{string(sp.UID)} },
	} {
		err := indexer.IndexField(ctx, &v1alpha1.ScopePolicy{}, name, func(obj client.Object) []string {
			return keys(obj.(*v1alpha1.ScopePolicy))
		})
		if err != nil {
			return fmt.Errorf("index ScopePolicies by %s: %w", name, err)
		}
	}
	return nil
}

func claimKey(server types.NamespacedName, sp *v1alpha1.ScopePolicy) string {
	return server.String() + " " + oauth.CanonicalResource(sp.Spec.Resource)
}

type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// SetupWithManager has the Reconciler called when a ScopePolicy's spec, another
// claim to its resource, who may declare that, its namespace's labels, its server, or
// what the server holds of it changed. The cache must have the indexes of AddIndexes.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if err := mgr.Add(r.board); err != nil {
		return err
	}
	spec := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	own := builder.WithPredicates(watch.Spec())
	return ctrl.NewControllerManagedBy(mgr).
		Named("scopepolicy").
		For(&v1alpha1.ScopePolicy{}, own).
		Watches(&v1alpha1.ScopePolicy{}, handler.EnqueueRequestsFromMapFunc(r.rivals), spec).
		Watches(&v1alpha1.AuthorizationServer{}, handler.EnqueueRequestsFromMapFunc(r.ofServer), spec).
		Watches(&v1alpha1.NamespaceAccess{}, access.Changes(access.TouchesResources, r.ofAccess)).
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.ofNamespace), builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WatchesRawSource(r.serverChanges()).
		Complete(r)
}

// rivals are all policies that claim the same resource of the same server.
func (r *Reconciler) rivals(ctx context.Context, obj client.Object) []reconcile.Request {
	sp, ok := obj.(*v1alpha1.ScopePolicy)
	if !ok {
		return nil
	}
	server, mine := r.Operator.Server(sp.Spec.ServerRef, sp.Status.ServerRef)
	if !mine {
		return nil
	}
	return r.requests(ctx, client.MatchingFields{indexClaim: claimKey(server, sp)})
}

func (r *Reconciler) ofServer(ctx context.Context, obj client.Object) []reconcile.Request {
	return r.requests(ctx, client.MatchingFields{indexServer: client.ObjectKeyFromObject(obj).String()})
}

// ofAccess are the policies whose resource a NamespaceAccess has a prefix of. The
// server's own namespace may declare any resource while there is no NamespaceAccess,
// so that the first and the last one touch its policies, and all their rivals.
func (r *Reconciler) ofAccess(ctx context.Context, o *v1alpha1.NamespaceAccess, comesOrGoes bool) []reconcile.Request {
	key := access.ServerKey(o)
	given, err := r.accessAt(ctx, key)
	var list v1alpha1.ScopePolicyList
	if err == nil {
		err = r.Client.List(ctx, &list, client.MatchingFields{indexServer: key.String()})
	}
	if err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot list what a NamespaceAccess touches from the cache")
		return nil
	}
	own := map[string]bool{} // the resources that the server's own namespace declares
	for i := range list.Items {
		if sp := &list.Items[i]; sp.Namespace == key.Namespace && comesOrGoes && given.Only(o) {
			own[sp.Spec.Resource] = true
		}
	}
	var touched []reconcile.Request
	for i := range list.Items {
		if sp := &list.Items[i]; own[sp.Spec.Resource] || access.Covers(o, sp.Spec.Resource) {
			touched = append(touched, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(sp)})
		}
	}
	return touched
}

// ofNamespace are the policies of a namespace and all their rivals: with the
// right of one to a resource that of another may change.
func (r *Reconciler) ofNamespace(ctx context.Context, obj client.Object) []reconcile.Request {
	var list v1alpha1.ScopePolicyList
	if err := r.Client.List(ctx, &list, client.InNamespace(obj.GetName())); err != nil {
		return nil
	}
	var all []reconcile.Request
	for i := range list.Items {
		all = append(all, r.rivals(ctx, &list.Items[i])...)
	}
	return all
}

// requests lists policies from the cache as it is: it is called in the cache's
// event handlers, which must not wait for the cache.
func (r *Reconciler) requests(ctx context.Context, which client.ListOption) []reconcile.Request {
	var list v1alpha1.ScopePolicyList
	if err := r.Client.List(ctx, &list, which); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot list ScopePolicies from the cache")
		return nil
	}
	out := make([]reconcile.Request, 0, len(list.Items))
	for i := range list.Items {
		out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
	}
	return out
}

// serverChanges brings the policies of a server whose answers changed, and the
// one that the server does not hold as it was left there.
func (r *Reconciler) serverChanges() source.Source {
	return source.Func(func(ctx context.Context, q queue) error {
		add := func(which client.MatchingFields) {
			for _, req := range r.requests(ctx, which) {
				q.Add(req)
			}
		}
		r.Servers.Subscribe(registrar.Subscriber{
			Server: func(key registrar.Key) { add(client.MatchingFields{indexServer: key.String()}) },
			Policy: func(_ registrar.Key, uid string) { add(client.MatchingFields{indexUID: uid}) },
		})
		return nil
	})
}

// SetupWithManager has the Sweeper called when a ScopePolicy goes, and when what
// the server holds changed.
func (s *Sweeper) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("scopepolicy-sweeper").
		Watches(&v1alpha1.ScopePolicy{}, handler.EnqueueRequestsFromMapFunc(s.serverOf), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(s.serverChanges()).
		Complete(s)
}

func (s *Sweeper) serverOf(_ context.Context, obj client.Object) []reconcile.Request {
	sp, ok := obj.(*v1alpha1.ScopePolicy)
	if !ok {
		return nil
	}
	server, mine := s.Operator.Server(sp.Spec.ServerRef, sp.Status.ServerRef)
	if !mine {
		return nil
	}
	return []reconcile.Request{{NamespacedName: server}}
}

func (s *Sweeper) serverChanges() source.Source {
	return source.Func(func(_ context.Context, q queue) error {
		s.Servers.Subscribe(registrar.Subscriber{
			Server: func(key registrar.Key) { q.Add(reconcile.Request{NamespacedName: key}) },
			Policy: func(key registrar.Key, _ string) { q.Add(reconcile.Request{NamespacedName: key}) },
		})
		return nil
	})
}
