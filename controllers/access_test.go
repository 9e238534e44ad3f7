package controllers_test

import (
	"context"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A NamespaceAccess says how many namespaces it matches, and gives and takes with the
// labels of a namespace.
func TestNamespaceAccessFollowsLabels(t *testing.T) {
	s := start(t)
	access := s.access()
	s.change(t, access, func() {
		access.Spec.Namespaces = v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSelector,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}}
	})
	sp, oac := s.policy(), s.oauthClient()
	s.create(t, sp)
	s.create(t, oac)
	s.await(t, access, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonNamespaceNotAllowed)
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonResourceNotAllowed)
	s.awaitMatched(t, access, 0)

	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.ns}}
	s.change(t, ns, func() { metav1.SetMetaDataLabel(&ns.ObjectMeta, "tier", "gold") })
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	s.awaitToken(t, "200 read")
	s.awaitMatched(t, access, 1)

	s.change(t, ns, func() { delete(ns.Labels, "tier") })
	s.awaitToken(t, "401 invalid_client")
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonResourceNotAllowed)
	s.awaitMatched(t, access, 0)
}

func (s *stack) awaitMatched(t *testing.T, access *v1alpha1.NamespaceAccess, want int32) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) bool {
		return s.client.Get(ctx, client.ObjectKeyFromObject(access), access) == nil && access.Status.Namespaces == want
	}, func() string { return "it matches another number of namespaces" })
}

// Without any NamespaceAccess the server's own namespace may have clients and declare
// any resource; the first object takes that away, and the last one gives it back.
func TestTheFirstAndTheLastNamespaceAccess(t *testing.T) {
	s := start(t)
	s.remove(t, s.access())
	sp, oac, other := s.policy(), s.oauthClient(), s.oauthClient()
	sp.Namespace, oac.Namespace = system, system
	sp.Spec.Resource = "https://own.example"
	s.create(t, sp)
	s.create(t, oac)
	s.create(t, other)
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	s.await(t, other, v1alpha1.ConditionReady, v1alpha1.ReasonNamespaceNotAllowed)

	nothing := s.access()
	nothing.Spec = v1alpha1.NamespaceAccessSpec{Namespaces: v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSame}}
	s.create(t, nothing)
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonResourceNotAllowed)
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonNamespaceNotAllowed)

	s.remove(t, nothing)
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
}

// An object that does not count says why.
func TestNamespaceAccessThatDoesNotCount(t *testing.T) {
	s := start(t)
	named := func(name string, change func(*v1alpha1.NamespaceAccess)) *v1alpha1.NamespaceAccess {
		o := s.access()
		o.Name = name
		change(o)
		s.create(t, o)
		return o
	}
	early := named("early", func(o *v1alpha1.NamespaceAccess) { o.Spec.ServerRef = &v1alpha1.LocalServerReference{Name: "second"} })
	broken := named("broken", func(o *v1alpha1.NamespaceAccess) {
		o.Spec.Namespaces = v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSelector,
			Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "not a label"}}}
	})
	elsewhere := named("elsewhere", func(o *v1alpha1.NamespaceAccess) { o.Namespace = testenv.Namespace(t) })
	s.await(t, early, v1alpha1.ConditionReady, v1alpha1.ReasonServerNotFound)
	s.await(t, early, v1alpha1.ConditionReconciling, v1alpha1.ReasonProgressing)
	s.await(t, broken, v1alpha1.ConditionStalled, v1alpha1.ReasonSelectorInvalid)
	s.await(t, elsewhere, v1alpha1.ConditionStalled, v1alpha1.ReasonNamespaceNotWatched)

	second := s.authorizationServer()
	second.Name = "second"
	s.create(t, second)
	s.await(t, early, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
}
