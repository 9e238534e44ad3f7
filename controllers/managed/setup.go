package managed

import (
	"context"

	"clientele.dev/clientele/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// watched are the kinds of the objects of a server, beside its Secrets.
func watched() []client.Object {
	return []client.Object{
		&appsv1.Deployment{}, &appsv1.StatefulSet{}, &corev1.Pod{},
		&corev1.Service{}, &corev1.ServiceAccount{}, &corev1.ConfigMap{}, &corev1.PersistentVolumeClaim{},
		&rbacv1.Role{}, &rbacv1.RoleBinding{}, &policyv1.PodDisruptionBudget{}, &networkingv1.NetworkPolicy{},
	}
}

// AddToScheme adds the kinds that are applied.
func AddToScheme(s *runtime.Scheme) error {
	add := runtime.NewSchemeBuilder(appsv1.AddToScheme, corev1.AddToScheme, rbacv1.AddToScheme, policyv1.AddToScheme, networkingv1.AddToScheme)
	return add.AddToScheme(s)
}

// Caching has the kinds that are watched cached in namespaces of AuthorizationServers,
// which is where the operator may read them, and only what has our label.
func Caching(namespaces []string) map[client.Object]cache.ByObject {
	ours := labels.SelectorFromSet(labels.Set{v1alpha1.LabelName: v1alpha1.ServerApp})
	in := map[string]cache.Config{}
	for _, n := range namespaces {
		in[n] = cache.Config{}
	}
	all := map[client.Object]cache.ByObject{}
	for _, kind := range watched() {
		all[kind] = cache.ByObject{Label: ours, Namespaces: in}
	}
	return all
}

// SetupWithManager has the Reconciler called when an AuthorizationServer's spec or
// annotations, or one of its objects changed.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	wanted := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{})
	b := ctrl.NewControllerManagedBy(mgr).
		Named("managed").
		For(&v1alpha1.AuthorizationServer{}, builder.WithPredicates(wanted)).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(serverOfSecret))
	for _, kind := range watched() {
		b = b.Watches(kind, handler.EnqueueRequestsFromMapFunc(serverOf))
	}
	return b.Complete(r)
}

// serverOf maps an object to its AuthorizationServer.
func serverOf(_ context.Context, o client.Object) []reconcile.Request {
	name := o.GetLabels()[v1alpha1.LabelServer]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: o.GetNamespace(), Name: name}}}
}

// serverOfSecret is serverOf for Secrets with certificates.
func serverOfSecret(ctx context.Context, o client.Object) []reconcile.Request {
	switch o.GetLabels()[v1alpha1.LabelSecretKind] {
	case v1alpha1.SecretKindCA, v1alpha1.SecretKindServingCertificate:
		return serverOf(ctx, o)
	}
	return nil
}
