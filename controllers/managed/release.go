package managed

import (
	"context"
	"fmt"
	"slices"

	"clientele.dev/clientele/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// owned are the kinds whose objects an AuthorizationServer controls.
func owned() []client.ObjectList {
	return []client.ObjectList{
		&appsv1.DeploymentList{}, &appsv1.StatefulSetList{}, &corev1.ServiceList{}, &corev1.ServiceAccountList{}, &corev1.ConfigMapList{},
		&rbacv1.RoleList{}, &rbacv1.RoleBindingList{}, &policyv1.PodDisruptionBudgetList{}, &networkingv1.NetworkPolicyList{}, &corev1.SecretList{},
	}
}

// release takes the AuthorizationServer off the owners of what it controls: it is not
// Managed any more, and what runs goes on running.
func (r *Reconciler) release(ctx context.Context, as *v1alpha1.AuthorizationServer) error {
	for _, list := range owned() {
		if err := r.Client.List(ctx, list, client.InNamespace(as.Namespace), client.MatchingLabels(selector(as.Name))); err != nil {
			return fmt.Errorf("list what AuthorizationServer %s/%s controls: %w", as.Namespace, as.Name, err)
		}
		err := meta.EachListItem(list, func(o runtime.Object) error { return r.disown(ctx, as, o.(client.Object)) })
		if err != nil {
			return err
		}
	}
	return r.releaseCertificate(ctx, as)
}

// releaseCertificate looks for cert-manager's Certificate, which is in no cache, once per
// generation of the spec.
func (r *Reconciler) releaseCertificate(ctx context.Context, as *v1alpha1.AuthorizationServer) error {
	key := client.ObjectKeyFromObject(as)
	r.mu.Lock()
	done := r.released[key] == as.Generation
	r.mu.Unlock()
	if done {
		return nil
	}
	certificate := &unstructured.Unstructured{}
	certificate.SetGroupVersionKind(certificateKind)
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: as.Namespace, Name: v1alpha1.PublicCertificateName(as.Name)}, certificate)
	if err == nil {
		err = r.disown(ctx, as, certificate)
	}
	if err != nil && !missing(err) && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
		return fmt.Errorf("release the Certificate of AuthorizationServer %s/%s: %w", as.Namespace, as.Name, err)
	}
	r.mu.Lock()
	r.released[key] = as.Generation
	r.mu.Unlock()
	return nil
}

// disown removes an AuthorizationServer from the owners of the version that was read.
func (r *Reconciler) disown(ctx context.Context, as *v1alpha1.AuthorizationServer, o client.Object) error {
	if !metav1.IsControlledBy(o, as) {
		return nil
	}
	before := o.DeepCopyObject().(client.Object)
	o.SetOwnerReferences(slices.DeleteFunc(o.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.UID == as.UID }))
	var err error
	if secret, ok := o.(*corev1.Secret); ok {
		err = r.Client.Update(ctx, secret) // the operator has no right to patch Secrets
	} else {
		err = r.Client.Patch(ctx, o, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("release %T %s/%s: %w", o, o.GetNamespace(), o.GetName(), err)
	}
	return nil
}
