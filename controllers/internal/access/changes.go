package access

import (
	"context"
	"reflect"

	"clientele.dev/clientele/api/v1alpha1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Changes queues what a NamespaceAccess touches when it comes, goes, or changes in a
// way that touches says counts: what it touched before, and what it touches now.
// comesOrGoes: its AuthorizationServer has one NamespaceAccess more, or less, by it.
func Changes(
	touches func(before, after *v1alpha1.NamespaceAccess) bool,
	of func(_ context.Context, _ *v1alpha1.NamespaceAccess, comesOrGoes bool) []reconcile.Request,
) handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	add := func(ctx context.Context, o client.Object, comesOrGoes bool, q queue) {
		for _, req := range of(ctx, o.(*v1alpha1.NamespaceAccess), comesOrGoes) {
			q.Add(req)
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { add(ctx, e.Object, true, q) },
		DeleteFunc: func(ctx context.Context, e event.DeleteEvent, q queue) { add(ctx, e.Object, true, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			before, after := e.ObjectOld.(*v1alpha1.NamespaceAccess), e.ObjectNew.(*v1alpha1.NamespaceAccess)
			if touches(before, after) {
				moves := ServerKey(before) != ServerKey(after)
				add(ctx, before, moves, q)
				add(ctx, after, moves, q)
			}
		},
	}
}

// TouchesClients says whether a change of a NamespaceAccess can change what a
// namespace that it matches may have of clients.
func TouchesClients(before, after *v1alpha1.NamespaceAccess) bool {
	return scopeChanged(before, after) ||
		!reflect.DeepEqual(before.Spec.Clients, after.Spec.Clients) || !reflect.DeepEqual(before.Spec.Quota, after.Spec.Quota)
}

// TouchesResources says the same of who may declare which resource.
func TouchesResources(before, after *v1alpha1.NamespaceAccess) bool {
	return scopeChanged(before, after) || !reflect.DeepEqual(before.Spec.Resources, after.Spec.Resources)
}

func scopeChanged(before, after *v1alpha1.NamespaceAccess) bool {
	return ServerKey(before) != ServerKey(after) || !reflect.DeepEqual(before.Spec.Namespaces, after.Spec.Namespaces)
}
