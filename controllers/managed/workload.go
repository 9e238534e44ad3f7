package managed

import (
	"context"
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// workload applies the Deployment or StatefulSet. Where the other kind runs, that is
// stopped first: two servers must not use one store by different means at once.
func (p *pass) workload(ctx context.Context) error {
	p.state.Workload.Kind = kindOfWorkload(p.render.workload())
	stopping, err := p.stopOther(ctx)
	if err != nil || stopping != "" {
		p.state.Workload.Stopping = stopping
		return err
	}
	if p.render.serverImage() == "" {
		return block(v1alpha1.ReasonImageUnavailable, "no image is known: set spec.managed.image, or the operator's flag --image")
	}
	_, err = p.ensure(ctx, p.render.workload())
	return err
}

func kindOfWorkload(o client.Object) string { return o.GetObjectKind().GroupVersionKind().Kind }

// stopOther deletes the workload of the kind that is not wanted, and returns its kind
// until its last Pod is gone.
func (p *pass) stopOther(ctx context.Context) (string, error) {
	var other client.Object = &appsv1.Deployment{}
	kind := "Deployment"
	if !p.render.embedded() {
		other, kind = &appsv1.StatefulSet{}, "StatefulSet"
	}
	err := p.Client.Get(ctx, client.ObjectKey{Namespace: p.as.Namespace, Name: p.render.name()}, other)
	if apierrors.IsNotFound(err) {
		return p.remaining(ctx, kind)
	}
	if err != nil {
		return "", fmt.Errorf("read %s %s/%s: %w", kind, p.as.Namespace, p.render.name(), err)
	}
	if err := p.ours(kind, other); err != nil {
		return "", err
	}
	if other.GetDeletionTimestamp().IsZero() {
		uid := other.GetUID()
		err = p.Client.Delete(ctx, other, client.PropagationPolicy(metav1.DeletePropagationForeground), client.Preconditions{UID: &uid})
		if client.IgnoreNotFound(err) != nil {
			return "", fmt.Errorf("delete %s %s/%s: %w", kind, p.as.Namespace, p.render.name(), err)
		}
	}
	return kind, nil
}

// remaining says whether Pods of the other kind are still there. A Deployment's Pods are
// a ReplicaSet's.
func (p *pass) remaining(ctx context.Context, kind string) (string, error) {
	pods, err := p.pods(ctx)
	if err != nil {
		return "", err
	}
	controller := kind
	if kind == "Deployment" {
		controller = "ReplicaSet"
	}
	for _, pod := range pods {
		if c := metav1.GetControllerOf(&pod); c != nil && c.Kind == controller {
			return kind, nil
		}
	}
	return "", nil
}

func (p *pass) pods(ctx context.Context) ([]corev1.Pod, error) {
	var list corev1.PodList
	if err := p.Client.List(ctx, &list, client.InNamespace(p.as.Namespace), client.MatchingLabels(selector(p.as.Name))); err != nil {
		return nil, fmt.Errorf("list the Pods of AuthorizationServer %s/%s: %w", p.as.Namespace, p.as.Name, err)
	}
	return list.Items, nil
}

// removeUnwanted deletes what the spec switched off.
func (p *pass) removeUnwanted(ctx context.Context) error {
	spec := p.as.Spec.Managed
	if !on(spec.DisruptionBudget) {
		if err := p.remove(ctx, "PodDisruptionBudget", &policyv1.PodDisruptionBudget{}); err != nil {
			return err
		}
	}
	if !on(spec.NetworkPolicy) {
		if err := p.remove(ctx, "NetworkPolicy", &networkingv1.NetworkPolicy{}); err != nil {
			return err
		}
	}
	return p.removeCertificate(ctx)
}

// remove deletes an object of our name that this AuthorizationServer controls.
func (p *pass) remove(ctx context.Context, kind string, object client.Object) error {
	err := p.Client.Get(ctx, client.ObjectKey{Namespace: p.as.Namespace, Name: p.render.name()}, object)
	if err == nil && metav1.IsControlledBy(object, p.as) {
		err = p.Client.Delete(ctx, object)
	}
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete %s %s/%s: %w", kind, p.as.Namespace, p.render.name(), err)
	}
	return nil
}

// removeCertificate deletes the Certificate where cert-manager is not asked any more. It
// is in no cache, so it is looked for once per generation of the spec.
func (p *pass) removeCertificate(ctx context.Context) error {
	if p.render.tlsType() == v1alpha1.TLSCertManager || p.memory.publicRemoved == p.as.Generation {
		return nil
	}
	have := &unstructured.Unstructured{}
	have.SetGroupVersionKind(certificateKind)
	err := p.Live.Get(ctx, client.ObjectKey{Namespace: p.as.Namespace, Name: v1alpha1.PublicCertificateName(p.as.Name)}, have)
	if err == nil && metav1.IsControlledBy(have, p.as) {
		err = p.Client.Delete(ctx, have)
	}
	if err != nil && !missing(err) && !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) {
		return fmt.Errorf("delete Certificate %s/%s: %w", p.as.Namespace, v1alpha1.PublicCertificateName(p.as.Name), err)
	}
	p.memory.publicRemoved = p.as.Generation
	return nil
}
