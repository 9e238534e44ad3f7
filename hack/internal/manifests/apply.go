package manifests

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// owner is the field manager of everything that Apply applies.
const owner = client.FieldOwner("clientele-stack")

// Apply applies the objects by server-side apply: Namespaces first, then CRDs,
// then the rest, each group in the given order. An object whose CRD was applied
// a moment ago is retried until the API server serves its kind, or until within
// is over.
func Apply(ctx context.Context, c client.Client, objects []*unstructured.Unstructured, within time.Duration) error {
	return ApplyAs(ctx, c, owner, objects, within)
}

// ApplyAs is Apply with another field manager.
func ApplyAs(ctx context.Context, c client.Client, manager client.FieldOwner, objects []*unstructured.Unstructured, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	sorted := slices.Clone(objects)
	slices.SortStableFunc(sorted, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	for _, obj := range sorted {
		if err := applyOne(ctx, c, manager, obj); err != nil {
			return fmt.Errorf("apply %s: %w", Describe(obj), err)
		}
	}
	return nil
}

func rank(obj *unstructured.Unstructured) int {
	switch obj.GetKind() {
	case "Namespace":
		return 0
	case "CustomResourceDefinition":
		return 1
	default:
		return 2
	}
}

func applyOne(ctx context.Context, c client.Client, manager client.FieldOwner, obj *unstructured.Unstructured) error {
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for {
		err := c.Apply(ctx, client.ApplyConfigurationFromUnstructured(obj.DeepCopy()), manager, client.ForceOwnership)
		if err == nil || !meta.IsNoMatchError(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-every.C:
		}
	}
}

// Describe names an object for people: "OAuthClient shop/checkout".
func Describe(obj *unstructured.Unstructured) string {
	if obj.GetNamespace() == "" {
		return obj.GetKind() + " " + obj.GetName()
	}
	return obj.GetKind() + " " + obj.GetNamespace() + "/" + obj.GetName()
}
