package controllers_test

import (
	"context"
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestScopePolicyIsTakenOutOfForceAtOnce(t *testing.T) {
	s := start(t)
	sp, oac := s.policy(), s.oauthClient()
	s.create(t, sp)
	s.create(t, oac)
	s.awaitToken(t, "200 read")
	s.remove(t, sp)
	s.awaitToken(t, "400 invalid_scope")
	s.await(t, oac, v1alpha1.ConditionScopesGranted, v1alpha1.ReasonNoneGranted)
	s.gone(t, sp)
}

// gone waits until an object is gone: nothing holds its deletion up.
func (s *stack) gone(t *testing.T, obj client.Object) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) bool {
		return apierrors.IsNotFound(s.client.Get(ctx, client.ObjectKeyFromObject(obj), obj))
	}, func() string { return "it is still there: " + obj.GetName() })
}

// F19: a policy that went while the operator was away is taken out of force when
// it is back, and so is one that went while the server was.
func TestF19PolicyDeletedWhileTheOperatorIsAway(t *testing.T) {
	s := startServerOnly(t)
	stop := startOperator(t, s.log)
	sp, oac := s.policy(), s.oauthClient()
	s.create(t, sp)
	s.create(t, oac)
	s.awaitToken(t, "200 read")
	stop()
	s.remove(t, sp)
	s.gone(t, sp)
	startOperator(t, s.log)
	s.awaitToken(t, "400 invalid_scope")
}

func TestF19PolicyDeletedWhileTheServerIsDown(t *testing.T) {
	s := start(t)
	sp, oac := s.policy(), s.oauthClient()
	s.create(t, sp)
	s.create(t, oac)
	s.awaitToken(t, "200 read")
	s.stopServer()
	s.await(t, s.authorizationServer(), v1alpha1.ConditionServerReachable, v1alpha1.ReasonServerUnreachable)
	s.remove(t, sp)
	s.gone(t, sp)
	s.startServerAgain(t)
	s.awaitToken(t, "400 invalid_scope")
}

// F19: the AuthorizationServer goes before its clients and policies.
func TestF19AuthorizationServerDeletedFirst(t *testing.T) {
	s := start(t)
	sp, oac := s.policy(), s.oauthClient()
	s.create(t, sp)
	s.create(t, oac)
	s.awaitToken(t, "200 read")
	s.remove(t, s.authorizationServer())
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonServerNotFound)
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonServerNotFound)

	s.create(t, s.authorizationServer()) // another uid
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	s.awaitToken(t, "200 read")

	s.remove(t, s.authorizationServer())
	s.remove(t, sp)
	s.gone(t, sp)
}

func TestNamespaceThatMayNotDeclareTheResource(t *testing.T) {
	s := start(t)
	sp, oac := s.policy(), s.oauthClient()
	s.create(t, sp)
	s.create(t, oac)
	s.awaitToken(t, "200 read")
	access := s.access()
	s.change(t, access, func() { access.Spec.Resources = nil })
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonResourceNotAllowed)
	s.awaitToken(t, "400 invalid_scope")
	s.change(t, access, func() { access.Spec.Resources = s.access().Spec.Resources })
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.awaitToken(t, "200 read")
}

// change reads an object, changes and writes it.
func (s *stack) change(t *testing.T, obj client.Object, how func()) {
	t.Helper()
	if err := s.client.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); err != nil {
		t.Fatal(err)
	}
	before := obj.DeepCopyObject().(client.Object)
	how()
	if err := s.client.Patch(t.Context(), obj, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherNamespaceGetsTheResourceWhenTheFirstLetsGo(t *testing.T) {
	s := start(t)
	first, rival := s.policy(), s.policy()
	rival.Namespace = testenv.Namespace(t)
	s.create(t, first)
	s.await(t, first, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.awaitOlder(t, first, rival)
	s.await(t, rival, v1alpha1.ConditionReady, v1alpha1.ReasonResourceTaken)
	s.await(t, rival, v1alpha1.ConditionConflicted, v1alpha1.ReasonResourceDeclaredElsewhere)
	s.remove(t, first)
	s.await(t, rival, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.await(t, rival, v1alpha1.ConditionConflicted, v1alpha1.ReasonNoConflict)
}

// awaitOlder makes the second object once the clock of the API server, which
// counts whole seconds, is past the first one's creation.
func (s *stack) awaitOlder(t *testing.T, first, second client.Object) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) bool {
		try := second.DeepCopyObject().(client.Object)
		try.SetName(second.GetName() + "-probe")
		if err := client.NewDryRunClient(s.client).Create(ctx, try); err != nil {
			t.Fatal(err)
		}
		stamp, old := try.GetCreationTimestamp(), first.GetCreationTimestamp()
		return old.Before(&stamp)
	}, func() string { return "the clock stands still" })
	s.create(t, second)
}

func TestUnionOfPoliciesOfOneNamespace(t *testing.T) {
	s := start(t)
	older, younger, oac := s.policy(), s.policy(), s.oauthClient()
	older.Spec.Scopes = append(older.Spec.Scopes, v1alpha1.ScopeDeclaration{Name: "write"})
	younger.Name = "orders-too"
	younger.Spec.Scopes = []v1alpha1.ScopeDeclaration{{Name: "write"}}
	younger.Spec.Allow[0].Scopes = []string{"write"}
	oac.Spec.Scopes = []string{"read", "write"}
	s.create(t, older)
	s.awaitOlder(t, older, younger)
	s.create(t, oac)
	s.await(t, younger, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.await(t, younger, v1alpha1.ConditionConflicted, v1alpha1.ReasonScopeDeclaredEarlier)
	conflicted := meta.FindStatusCondition(younger.Status.Conditions, v1alpha1.ConditionConflicted)
	if message := conflicted.Message; !strings.Contains(message, "write") || !strings.Contains(message, s.ns+"/orders") {
		t.Errorf("the message %q names not scope and policy", message)
	}
	s.awaitToken(t, "200 read write")
}
