package controllers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// settle is longer than anything the operator gathers before it writes.
const settle = 4 * time.Second

// versions are the resource versions of everything the operator writes.
func (s *stack) versions(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, list := range []client.ObjectList{
		&v1alpha1.AuthorizationServerList{}, &v1alpha1.OAuthClientList{}, &v1alpha1.ScopePolicyList{}, &v1alpha1.NamespaceAccessList{}, &corev1.SecretList{},
	} {
		if err := s.client.List(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		switch l := list.(type) {
		case *v1alpha1.AuthorizationServerList:
			for i := range l.Items {
				out = append(out, version(&l.Items[i]))
			}
		case *v1alpha1.OAuthClientList:
			for i := range l.Items {
				out = append(out, version(&l.Items[i]))
			}
		case *v1alpha1.ScopePolicyList:
			for i := range l.Items {
				out = append(out, version(&l.Items[i]))
			}
		case *v1alpha1.NamespaceAccessList:
			for i := range l.Items {
				out = append(out, version(&l.Items[i]))
			}
		case *corev1.SecretList:
			for i := range l.Items {
				out = append(out, version(&l.Items[i]))
			}
		}
	}
	slices.Sort(out)
	return out
}

func version(o client.Object) string {
	return fmt.Sprintf("%T %s/%s %s", o, o.GetNamespace(), o.GetName(), o.GetResourceVersion())
}

// awaitQuiet waits until nothing was written for a while, and fails if that
// never happens.
func (s *stack) awaitQuiet(t *testing.T) {
	t.Helper()
	last, since := s.versions(t), time.Now()
	s.eventually(t, func(context.Context) bool {
		if now := s.versions(t); !slices.Equal(now, last) {
			last, since = now, time.Now()
		}
		return time.Since(since) > settle
	}, func() string { return "something is still being written" })
}

// F35: once all is as it should be, and after a restart of the operator, nothing
// is written; F23: neither defaults, unknown fields nor the order of lists make a
// loop.
func TestF35F23NothingIsWrittenWhenNothingChanges(t *testing.T) {
	s := startServerOnly(t)
	stop := startOperator(t, s.log)
	as, sp, oac := s.authorizationServer(), s.policy(), s.oauthClient()
	s.change(t, as, func() { as.Spec.Signing.JWKSMaxAge = metav1.Duration{Duration: 10 * time.Second} })
	sp.Spec.Scopes = []v1alpha1.ScopeDeclaration{{Name: "read"}, {Name: "write"}}
	s.create(t, sp)
	s.create(t, oac)
	s.await(t, oac, v1alpha1.ConditionScopesGranted, v1alpha1.ReasonAllGranted)
	s.change(t, sp, func() { slices.Reverse(sp.Spec.Scopes) })
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.unknownField(t, sp)
	s.await(t, as, v1alpha1.ConditionSigningKeysReady, v1alpha1.ReasonKeysActive) // RSA keys take their time
	// That the server serves the keys is noted in their Secret once.
	s.eventually(t, func(context.Context) bool {
		set := string(s.signingKeys(t).Data[v1alpha1.SigningKeysKey])
		return strings.Count(set, `"observedAt"`) == strings.Count(set, `"phase"`)
	}, func() string { return "the keys are not observed" })
	s.awaitQuiet(t)
	want := s.versions(t)

	stop()
	startOperator(t, s.log)
	s.awaitLease(t)
	s.awaitQuiet(t)
	for _, got := range s.versions(t) {
		if !slices.Contains(want, got) {
			t.Errorf("a restart of the operator has written %s", got)
		}
	}
}

// unknownField writes a field that the schema does not have: the API server
// drops it.
func (s *stack) unknownField(t *testing.T, obj client.Object) {
	t.Helper()
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"unheardOf":true}}`))
	if err := s.client.Patch(t.Context(), obj, patch); err != nil {
		t.Fatal(err)
	}
}

// awaitLease waits until an operator leads.
func (s *stack) awaitLease(t *testing.T) {
	t.Helper()
	lease := &coordinationv1.Lease{}
	s.eventually(t, func(ctx context.Context) bool {
		err := s.client.Get(ctx, client.ObjectKey{Namespace: system, Name: "clientele-operator"}, lease)
		return err == nil && lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != ""
	}, func() string { return "nobody leads" })
}
