package signingkey

import (
	"context"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
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

// SetupWithManager has the Reconciler called when an AuthorizationServer's spec
// or annotations, its keys, or what the server answers changed.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, servers *registrar.Servers) error {
	wanted := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		Named("signingkey").
		For(&v1alpha1.AuthorizationServer{}, builder.WithPredicates(wanted)).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(serverOf)).
		WatchesRawSource(serverChanges(servers)).
		Complete(r)
}

// serverOf maps a signing-keys Secret to its AuthorizationServer.
func serverOf(_ context.Context, obj client.Object) []reconcile.Request {
	if obj.GetLabels()[v1alpha1.LabelSecretKind] != v1alpha1.SecretKindSigningKeys {
		return nil
	}
	suffix := v1alpha1.SigningKeysSecretName("")
	name := obj.GetName()
	if len(name) <= len(suffix) || name[len(name)-len(suffix):] != suffix {
		return nil
	}
	key := types.NamespacedName{Namespace: obj.GetNamespace(), Name: name[:len(name)-len(suffix)]}
	return []reconcile.Request{{NamespacedName: key}}
}

// serverChanges brings a server whose answers changed: one that is back can be
// asked for its replicas.
func serverChanges(servers *registrar.Servers) source.Source {
	return source.Func(func(_ context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		servers.Subscribe(registrar.Subscriber{Server: func(key registrar.Key) {
			q.Add(reconcile.Request{NamespacedName: key})
		}})
		return nil
	})
}

// AskReplicas asks a server for its running processes.
func AskReplicas(servers *registrar.Servers) func(context.Context, *v1alpha1.AuthorizationServer) ([]oauth.Replica, error) {
	return func(ctx context.Context, as *v1alpha1.AuthorizationServer) ([]oauth.Replica, error) {
		list, err := servers.For(as).Replicas(ctx)
		return list.Replicas, err
	}
}
