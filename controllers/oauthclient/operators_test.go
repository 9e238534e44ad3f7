package oauthclient

import (
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/rules"
	"clientele.dev/clientele/controllers/internal/status"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Two operators in a cluster, each with an AuthorizationServer in a namespace of its own:
// each leaves the other's OAuthClients alone, and one of them takes those without a
// serverRef.
func TestTwoOperatorsDoNotFight(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	other.app = w.app
	claims, second := w.operator(), other.operator()
	second.Reconciler.Operator = rules.Operator{Namespace: other.system, ServerNamespaces: []string{other.system}}
	// both is a pass of both, long after the OAuthClient was created.
	both := func(oac *v1alpha1.OAuthClient) {
		t.Helper()
		for _, op := range []*operator{claims, second} {
			op.clock.Advance(2 * status.Patience)
			op.run(keyOf(oac))
		}
	}
	unchanged := func(oac *v1alpha1.OAuthClient, what string) {
		t.Helper()
		before := w.get(keyOf(oac)).ResourceVersion
		both(oac)
		both(oac)
		if w.get(keyOf(oac)).ResourceVersion != before {
			t.Errorf("%s is changed again and again", what)
		}
	}

	theirs := w.oauthClient("of-the-second", func(o *v1alpha1.OAuthClient) {
		o.Spec.ServerRef = &v1alpha1.ServerReference{Namespace: other.system, Name: "default"}
	})
	if again := claims.run(keyOf(theirs)).RequeueAfter; again <= 0 {
		t.Errorf("nobody has the OAuthClient yet, and it is looked at again after %s", again)
	}

	mine := w.oauthClient("no-server-ref")
	second.run(keyOf(mine))
	claims.settleAccepted(mine)
	unchanged(mine, "an OAuthClient without a serverRef")

	second.settleAccepted(theirs)
	unchanged(theirs, "an OAuthClient of the second operator")
	if got := len(w.records()); got != 1 {
		t.Errorf("the first operator has %d registrations, want its own only", got)
	}
	w.delete(theirs)
	claims.run(keyOf(theirs))
	if _, there := second.Servers.All()[0].Inventory().Client(keyOf(theirs)); !there {
		t.Error("the first operator deregistered the second one's client")
	}

	nobodys := w.oauthClient("of-nobody", func(o *v1alpha1.OAuthClient) {
		o.Spec.ServerRef = &v1alpha1.ServerReference{Namespace: w.app, Name: "default"}
	})
	both(nobodys)
	w.wantReady(keyOf(nobodys), metav1.ConditionFalse, v1alpha1.ReasonServerNotFound)
	unchanged(nobodys, "an OAuthClient of no operator")
}
