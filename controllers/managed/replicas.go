package managed

import (
	"context"
	"encoding/json"
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// defaultReplicas is how many servers with a PostgreSQL database run where the spec does
// not say.
const defaultReplicas = 2

// leavesReplicas says that what is rendered is a Deployment without a number of replicas.
func leavesReplicas(want *unstructured.Unstructured) bool {
	_, set, _ := unstructured.NestedFieldNoCopy(want.Object, "spec", "replicas")
	return want.GetKind() == "Deployment" && !set
}

// handOverReplicas has the manager FieldManagerScale own the number of replicas before
// FieldManager, which had it, applies a Deployment without one: a field without an owner
// falls back to 1.
func (p *pass) handOverReplicas(ctx context.Context, want *unstructured.Unstructured) error {
	if !leavesReplicas(want) {
		return nil
	}
	live := &appsv1.Deployment{}
	err := p.Live.Get(ctx, client.ObjectKeyFromObject(want), live)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", nameOf(want), err)
	}
	if live.Spec.Replicas == nil || !owns(live.ManagedFields, v1alpha1.FieldManager) {
		return nil
	}
	_, err = p.scale(ctx, want, *live.Spec.Replicas)
	return err
}

// replicasOnce writes the number of replicas where no manager has.
func (p *pass) replicasOnce(ctx context.Context, want, got *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if !leavesReplicas(want) {
		return got, nil
	}
	for _, m := range got.GetManagedFields() {
		if ownsReplicas(m) {
			return got, nil
		}
	}
	return p.scale(ctx, want, defaultReplicas)
}

// scale writes the number of replicas as FieldManagerScale.
func (p *pass) scale(ctx context.Context, want *unstructured.Unstructured, replicas int32) (*unstructured.Unstructured, error) {
	only := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"replicas": int64(replicas)}}}
	only.SetGroupVersionKind(want.GroupVersionKind())
	only.SetNamespace(want.GetNamespace())
	only.SetName(want.GetName())
	err := p.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(only), client.FieldOwner(v1alpha1.FieldManagerScale), client.ForceOwnership)
	if err != nil {
		return nil, explain(err, "scale", nameOf(want))
	}
	return only, nil
}

// owns says whether a manager that applies owns the number of replicas.
func owns(all []metav1.ManagedFieldsEntry, manager string) bool {
	for _, m := range all {
		if m.Manager == manager && m.Operation == metav1.ManagedFieldsOperationApply && ownsReplicas(m) {
			return true
		}
	}
	return false
}

// ownsReplicas reads the set of fields, which is a tree whose nodes begin with f:.
func ownsReplicas(m metav1.ManagedFieldsEntry) bool {
	if m.FieldsV1 == nil {
		return false
	}
	var fields struct {
		Spec map[string]json.RawMessage `json:"f:spec"`
	}
	if err := json.Unmarshal(m.FieldsV1.GetRawBytes(), &fields); err != nil {
		return false
	}
	_, ok := fields.Spec["f:replicas"]
	return ok
}
