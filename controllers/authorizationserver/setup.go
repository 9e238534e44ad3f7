package authorizationserver

import (
	"context"
	"strings"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/rules"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// countsAfter gathers changes of OAuthClients: the counts are written at most so
// often.
const countsAfter = 3 * time.Second

// SetupWithManager has the Reconciler called when an AuthorizationServer's spec
// or annotations, its Secrets, what the server answers, or how many clients it
// holds changed. clients says which OAuthClients are this operator's.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, clients rules.Operator) error {
	wanted := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	if err := mgr.Add(r.board); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("authorizationserver").
		For(&v1alpha1.AuthorizationServer{}, builder.WithPredicates(wanted)).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(serverOf)).
		Watches(&v1alpha1.OAuthClient{}, counted(clients)).
		WatchesRawSource(r.serverChanges()).
		WatchesRawSource(r.managedChanges()).
		Complete(r)
}

// serverOf maps the Secret with a server's signing keys or server keys to the
// AuthorizationServer.
func serverOf(_ context.Context, obj client.Object) []reconcile.Request {
	var suffix string
	switch obj.GetLabels()[v1alpha1.LabelSecretKind] {
	case v1alpha1.SecretKindSigningKeys:
		suffix = v1alpha1.SigningKeysSecretName("")
	case v1alpha1.SecretKindServerKeys:
		suffix = v1alpha1.ServerKeysSecretName("")
	default:
		return nil
	}
	name, ok := strings.CutSuffix(obj.GetName(), suffix)
	if !ok || name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: obj.GetNamespace(), Name: name}}}
}

// counted has an OAuthClient's server counted a little later, once for all that
// change in the meantime.
func counted(clients rules.Operator) handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	later := func(obj client.Object, q queue) {
		oc, ok := obj.(*v1alpha1.OAuthClient)
		if !ok {
			return
		}
		if server, mine := clients.Server(oc.Spec.ServerRef, oc.Status.ServerRef); mine {
			q.AddAfter(reconcile.Request{NamespacedName: server}, countsAfter)
		}
	}
	return handler.Funcs{
		CreateFunc: func(_ context.Context, e event.CreateEvent, q queue) { later(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) { later(e.ObjectNew, q) },
		DeleteFunc: func(_ context.Context, e event.DeleteEvent, q queue) { later(e.Object, q) },
	}
}

// serverChanges brings servers whose answers, or what they hold of policies,
// changed.
func (r *Reconciler) serverChanges() source.Source {
	return source.Func(func(_ context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		r.Servers.Subscribe(registrar.Subscriber{
			Server: func(key registrar.Key) { q.Add(reconcile.Request{NamespacedName: key}) },
			Policy: func(key registrar.Key, _ string) {
				q.AddAfter(reconcile.Request{NamespacedName: key}, countsAfter)
			},
		})
		return nil
	})
}

// managedChanges brings servers of type Managed whose objects changed.
func (r *Reconciler) managedChanges() source.Source {
	return source.Func(func(_ context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		r.Managed.Subscribe(func(key types.NamespacedName) { q.Add(reconcile.Request{NamespacedName: key}) })
		return nil
	})
}
