package oauthclient

import (
	"errors"
	"net/http"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// handover is an OAuthClient that has a client id, and another that waits for it.
func handover(t *testing.T) (w *world, op *operator, first, second *v1alpha1.OAuthClient) {
	w = newWorld(t)
	shared := func(o *v1alpha1.OAuthClient) { o.Spec.ClientID = w.app + ".shared" }
	first, second = w.oauthClient("first", shared), w.oauthClient("second", shared)
	op = w.operator()
	op.settleAccepted(first)
	op.run(keyOf(second))
	w.wantReady(keyOf(second), metav1.ConditionFalse, v1alpha1.ReasonClientIDTaken)
	w.delete(first)
	op.run(keyOf(first))
	w.clock.Advance(brakeAge)
	return w, op, first, second
}

// wantOneClientOf wants the server's one client to be the OAuthClient's.
func (w *world) wantOneClientOf(oac *v1alpha1.OAuthClient) {
	w.t.Helper()
	w.wantAccepted(oac)
	w.wantToken(w.credentials(oac.Name), http.StatusOK)
	w.wantClients(1)
}

// wantHandedOver wants the second OAuthClient to have the one client, and nothing left of
// the first.
func (w *world) wantHandedOver(second *v1alpha1.OAuthClient) {
	w.t.Helper()
	w.wantOneClientOf(second)
	if n := len(w.records()); n != 1 {
		w.t.Errorf("%d registration Secrets, want 1", n)
	}
}

// TestO1TheAnswerToDELETEIsLost: the client id is with the second OAuthClient when the
// first one's DELETE is repeated. The live client of the second stays.
func TestO1TheAnswerToDELETEIsLost(t *testing.T) {
	w, op, first, second := handover(t)
	w.proxy.losing(http.MethodDelete)
	op.run(keyOf(first))
	w.wantClients(0)
	op.run(keyOf(second))
	w.wantOneClientOf(second)
	// The inventory is not read anew in between, as it is not in a running operator.
	for range 4 {
		op.run(keyOf(first))
		w.clock.Advance(brakeAge)
	}
	w.wantHandedOver(second)
	op.run(keyOf(second))
	w.wantHandedOver(second)
}

// TestF37AClientIDIsHandedOver: whatever the operator was doing when it was stopped, the
// next one ends with one client, a working credential and a true status.
func TestF37AClientIDIsHandedOver(t *testing.T) {
	for _, point := range []string{PointDeregistered, PointRegistered, PointProjected, PointStatus} {
		t.Run(point, func(t *testing.T) {
			w, op, first, second := handover(t)
			of := second
			if point == PointDeregistered {
				of = first
			} else {
				op.settle(keyOf(first))
			}
			op.faults.stopAt(point)
			if _, err := op.tryRun(keyOf(of)); !errors.Is(err, errCrash) {
				t.Fatalf("the operator was not stopped: %v", err)
			}
			next := w.operator()
			next.settle(keyOf(second))
			next.gone(keyOf(first))
			next.settle(keyOf(second))
			w.wantHandedOver(second)
		})
	}
}

// TestO1TheNextIncarnationIsNotDeregistered: another operator registers the OAuthClient of
// the same name that was created again, after this one saw that the former is gone and
// before it deregisters what that left behind.
func TestO1TheNextIncarnationIsNotDeregistered(t *testing.T) {
	w, op, oac := registered(t)
	next := w.operator()
	w.delete(oac)
	s := w.records()[0]
	w.delete(&s)
	must(t, op.sync())
	op.run(keyOf(oac))
	w.clock.Advance(brakeAge)
	var again *v1alpha1.OAuthClient
	w.proxy.beforeReading(func() {
		again = w.oauthClient("app")
		next.settle(keyOf(again))
	})
	op.run(keyOf(oac))
	if again == nil {
		t.Fatal("the client was not read before it was to be deregistered")
	}
	w.wantOneClientOf(again)
}
