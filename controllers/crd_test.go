package controllers_test

import (
	"context"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// F19: the CRD of ScopePolicy goes while its policies are in force, and comes
// back: the operator goes on, and policies that are applied again are in force
// again.
func TestF19ScopePolicyCRDDeletedAndInstalledAgain(t *testing.T) {
	s := start(t)
	sp, oac := s.policy(), s.oauthClient()
	s.create(t, sp)
	s.create(t, oac)
	s.awaitToken(t, "200 read")

	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	crd.SetName("scopepolicies." + v1alpha1.GroupVersion.Group)
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(crd), crd); err != nil {
		t.Fatal(err)
	}
	fresh := crd.DeepCopy()
	fresh.SetResourceVersion("")
	fresh.SetUID("")
	unstructured.RemoveNestedField(fresh.Object, "status")
	restore := func(ctx context.Context) error {
		return client.IgnoreAlreadyExists(s.client.Create(ctx, fresh.DeepCopy()))
	}
	t.Cleanup(func() {
		if err := restore(context.Background()); err != nil {
			t.Errorf("the tests that follow lack a CRD: %v", err)
		}
	})
	s.remove(t, crd)
	s.gone(t, crd)
	if err := restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := s.policy()
	s.eventually(t, func(ctx context.Context) bool {
		err := s.client.Create(ctx, again)
		return err == nil || apierrors.IsAlreadyExists(err)
	}, func() string { return "the kind is not served again" })
	t.Cleanup(func() { s.remove(t, again) })
	s.await(t, again, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.awaitToken(t, "200 read")
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
}
