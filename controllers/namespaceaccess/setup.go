package namespaceaccess

import (
	"context"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/access"
	"clientele.dev/clientele/controllers/internal/watch"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// countAfter gathers changes of namespaces: the number is written at most so often.
const countAfter = time.Second

// SetupWithManager has the Reconciler called when a NamespaceAccess changed, its
// AuthorizationServer came or went, or a namespace is matched that was not before, or
// the other way round.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if err := mgr.Add(r.board); err != nil {
		return err
	}
	comesOrGoes := builder.WithPredicates(predicate.Funcs{UpdateFunc: func(event.UpdateEvent) bool { return false }})
	return ctrl.NewControllerManagedBy(mgr).
		Named("namespaceaccess").
		For(&v1alpha1.NamespaceAccess{}, builder.WithPredicates(watch.Spec())).
		Watches(&v1alpha1.AuthorizationServer{}, handler.EnqueueRequestsFromMapFunc(r.ofServer), comesOrGoes).
		Watches(&corev1.Namespace{}, r.ofNamespace()).
		Complete(r)
}

func (r *Reconciler) ofServer(ctx context.Context, as client.Object) []reconcile.Request {
	return r.requests(ctx, func(o *v1alpha1.NamespaceAccess) bool { return access.ServerKey(o) == client.ObjectKeyFromObject(as) })
}

// ofNamespace queues the objects that a namespace counts for, or did.
func (r *Reconciler) ofNamespace() handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	add := func(ctx context.Context, q queue, which func(*v1alpha1.NamespaceAccess) bool) {
		for _, req := range r.requests(ctx, which) {
			q.AddAfter(req, countAfter)
		}
	}
	matches := func(o *v1alpha1.NamespaceAccess, ns client.Object) bool {
		return access.Matches(o, ns.(*corev1.Namespace))
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) {
			add(ctx, q, func(o *v1alpha1.NamespaceAccess) bool { return matches(o, e.Object) })
		},
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			add(ctx, q, func(o *v1alpha1.NamespaceAccess) bool { return matches(o, e.ObjectOld) != matches(o, e.ObjectNew) })
		},
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) {
			add(ctx, q, func(o *v1alpha1.NamespaceAccess) bool { return matches(o, e.Object) })
		},
	}
}

// requests lists NamespaceAccesses from the cache as it is.
func (r *Reconciler) requests(ctx context.Context, which func(*v1alpha1.NamespaceAccess) bool) []reconcile.Request {
	var list v1alpha1.NamespaceAccessList
	if err := r.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "cannot list NamespaceAccesses from the cache")
		return nil
	}
	var out []reconcile.Request
	for i := range list.Items {
		if o := &list.Items[i]; which(o) {
			out = append(out, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(o)})
		}
	}
	return out
}
