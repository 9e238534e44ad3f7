package oauthclient

import (
	"errors"
	"net/http"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestHappyPathCostsThreeWritesAndOneRequest(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	must(t, op.sync())
	oac := w.oauthClient("app")
	op.catchUpCache()
	writes, requests := w.writes.Load(), w.proxy.requests.Load()

	op.run(keyOf(oac))

	if got := w.writes.Load() - writes; got != 3 {
		t.Errorf("%d object writes, want 3", got)
	}
	if got := w.proxy.requests.Load() - requests; got != 1 {
		t.Errorf("%d requests to the server, want 1", got)
	}
	w.wantAccepted(oac)
	w.wantToken(w.credentials("app"), http.StatusOK)
	w.wantClients(1)
}

// After a crash at any point of a client's creation, a new operator ends in one
// client, a working credential and a true status.
func TestF1F4CrashWhileCreating(t *testing.T) {
	for _, point := range []string{PointRecorded, PointRegistered, PointProjected, PointStatus} {
		t.Run(point, func(t *testing.T) {
			w := newWorld(t)
			oac := w.oauthClient("app")
			killed := w.operator()
			must(t, killed.sync())
			killed.faults.stopAt(point)
			if _, err := killed.tryRun(keyOf(oac)); !errors.Is(err, errCrash) {
				t.Fatalf("the operator was not stopped: %v", err)
			}
			var before []byte
			if point != PointRecorded {
				before = w.records()[0].Data[keySecret]
			}
			w.operator().settle(keyOf(oac))

			w.wantAccepted(oac)
			w.wantToken(w.credentials("app"), http.StatusOK)
			w.wantClients(1)
			if before != nil && string(w.records()[0].Data[keySecret]) != string(before) {
				t.Error("the crash changed the secret")
			}
			if n := len(w.records()); n != 1 {
				t.Errorf("%d registration Secrets, want 1", n)
			}
		})
	}
}

// F2 and F3: a crash at any point of a rotation. At no moment is there no secret
// that works, and the rotation is done once.
func TestF2F3CrashWhileRotating(t *testing.T) {
	for _, point := range []string{PointRecorded, PointRegistered, PointPromoted, PointProjected, PointStatus} {
		t.Run(point, func(t *testing.T) {
			w := newWorld(t)
			oac := w.oauthClient("app")
			op := w.operator()
			op.settle(keyOf(oac))
			old := w.credentials("app")

			w.edit(oac, func() { metav1.SetMetaDataAnnotation(&oac.ObjectMeta, v1alpha1.AnnotationRotateSecret, "1") })
			op.faults.stopAt(point)
			if _, err := op.tryRun(keyOf(oac)); !errors.Is(err, errCrash) {
				t.Fatalf("the operator was not stopped: %v", err)
			}
			w.wantToken(w.credentials("app"), http.StatusOK)

			w.operator().settle(keyOf(oac))
			rotated := w.credentials("app")
			if rotated.Secret == old.Secret {
				t.Fatal("the secret was not rotated")
			}
			w.wantToken(rotated, http.StatusOK)
			w.wantToken(old, http.StatusOK)
			if got := w.get(keyOf(oac)).Status.HandledRotateSecret; got != "1" {
				t.Errorf("handledRotateSecret = %q, want 1", got)
			}
			w.wantClients(1)
			w.operator().settle(keyOf(oac))
			if again := w.credentials("app"); again.Secret != rotated.Secret {
				t.Error("it was rotated twice")
			}
		})
	}
}

func TestF3CrashWhileCuttingTheExpiredSecret(t *testing.T) {
	w := newWorld(t)
	oac := w.oauthClient("app", func(o *v1alpha1.OAuthClient) {
		o.Annotations = map[string]string{v1alpha1.AnnotationRotateSecret: "0"}
	})
	op := w.operator()
	op.settle(keyOf(oac))
	old := w.credentials("app")
	w.edit(oac, func() { oac.Annotations[v1alpha1.AnnotationRotateSecret] = "1" })
	op.settle(keyOf(oac))
	w.wantToken(old, http.StatusOK)

	w.clock.Advance(defaultOverlap)
	op.faults.stopAt(PointCut)
	if _, err := op.tryRun(keyOf(oac)); !errors.Is(err, errCrash) {
		t.Fatalf("the operator was not stopped: %v", err)
	}
	w.operator().settle(keyOf(oac))
	w.wantToken(old, http.StatusUnauthorized)
	w.wantToken(w.credentials("app"), http.StatusOK)
	if s := w.records()[0]; len(s.Data[keySecretPrevious]) != 0 {
		t.Error("the registration Secret still holds the expired secret")
	}
}

func TestF5CrashAfterDeregistration(t *testing.T) {
	w := newWorld(t)
	oac := w.oauthClient("app")
	op := w.operator()
	op.settle(keyOf(oac))
	creds := w.credentials("app")
	w.delete(oac)
	op.run(keyOf(oac))
	w.clock.Advance(brakeAge)
	op.faults.stopAt(PointDeregistered)
	if _, err := op.tryRun(keyOf(oac)); !errors.Is(err, errCrash) {
		t.Fatalf("the operator was not stopped: %v", err)
	}
	w.wantClients(0)
	if len(w.records()) != 1 {
		t.Fatal("the tombstone went before its time")
	}
	w.operator().gone(keyOf(oac))
	if len(w.records()) != 0 {
		t.Error("the tombstone stays")
	}
	w.wantToken(creds, http.StatusUnauthorized)
}

func TestF6ResponseLost(t *testing.T) {
	w := newWorld(t)
	oac := w.oauthClient("app")
	op := w.operator()
	must(t, op.sync())

	t.Run("create", func(t *testing.T) {
		w.proxy.losing(http.MethodPost)
		op.run(keyOf(oac))
		w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable)
		w.wantClients(1)
		op.settleAccepted(oac)
		w.wantToken(w.credentials("app"), http.StatusOK)
		w.wantClients(1)
	})
	t.Run("update", func(t *testing.T) {
		old := w.credentials("app")
		w.edit(oac, func() { metav1.SetMetaDataAnnotation(&oac.ObjectMeta, v1alpha1.AnnotationRotateSecret, "1") })
		w.proxy.losing(http.MethodPost)
		op.run(keyOf(oac))
		w.wantToken(w.credentials("app"), http.StatusOK)
		op.settle(keyOf(oac))
		if w.credentials("app").Secret == old.Secret {
			t.Error("the secret was not rotated")
		}
		w.wantToken(w.credentials("app"), http.StatusOK)
		w.wantClients(1)
	})
	t.Run("delete", func(t *testing.T) {
		w.delete(oac)
		op.run(keyOf(oac))
		w.clock.Advance(brakeAge)
		w.proxy.losing(http.MethodDelete)
		op.run(keyOf(oac))
		if len(w.records()) != 1 {
			t.Fatal("the tombstone went though no answer came")
		}
		op.gone(keyOf(oac))
		w.wantClients(0)
		if len(w.records()) != 0 {
			t.Error("the tombstone stays")
		}
	})
}

// F7: the old leader goes on with what it had read before the new one rotated.
func TestF7OldLeaderWithStaleCache(t *testing.T) {
	w := newWorld(t)
	oac := w.oauthClient("app")
	first := w.operator()
	first.settle(keyOf(oac))
	stale := first.frozen()

	w.edit(oac, func() { metav1.SetMetaDataAnnotation(&oac.ObjectMeta, v1alpha1.AnnotationRotateSecret, "1") })
	second := w.operator()
	second.settle(keyOf(oac))
	rotated := w.credentials("app")
	w.edit(oac, func() { metav1.SetMetaDataAnnotation(&oac.ObjectMeta, v1alpha1.AnnotationRotateSecret, "2") })
	second.settle(keyOf(oac))
	newest := w.credentials("app")

	// The stale one wants to repair what it takes for drift, and fails.
	must(t, stale.server(t).Sync(t.Context()))
	for range 3 {
		if _, err := stale.Reconcile(t.Context(), request{NamespacedName: keyOf(oac)}); err != nil {
			t.Log(err)
		}
	}
	w.wantToken(newest, http.StatusOK)
	w.wantToken(rotated, http.StatusOK)
	if w.credentials("app").Secret != newest.Secret {
		t.Error("the old leader wrote over the new one's Secret")
	}
	second.settleAccepted(oac)
	w.wantClients(1)
}
