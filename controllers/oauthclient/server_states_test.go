package oauthclient

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/controllers/internal/status"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestF8ServerDownAtCreateUpdateDelete(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	must(t, op.sync())
	down := func(w http.ResponseWriter, r *http.Request) { hangUp(w, r) }
	oac := w.oauthClient("app")

	w.proxy.failing(http.MethodPost, down)
	op.run(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable)
	if w.secret(w.app, "app-oauth") != nil {
		t.Error("credentials were handed out that no server accepts")
	}
	secret := string(w.records()[0].Data[keySecret])
	w.proxy.failing("", nil)
	op.settleAccepted(oac)
	if got := w.credentials("app").Secret.Reveal(); got != secret {
		t.Error("the retry made another secret")
	}

	w.proxy.failing(http.MethodPost, down)
	w.edit(oac, func() { oac.Spec.Scopes = []string{"read"} })
	op.run(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable)
	w.wantToken(w.credentials("app"), http.StatusOK)
	w.proxy.failing("", nil)
	op.settleAccepted(oac)

	w.proxy.failing(http.MethodDelete, down)
	w.delete(oac)
	op.startGone(keyOf(oac))
	if len(w.records()) != 1 {
		t.Fatal("the tombstone went though the server could not be told")
	}
	w.proxy.failing("", nil)
	op.settle(keyOf(oac))
	w.wantClients(0)
	if len(w.records()) != 0 {
		t.Error("the tombstone stays")
	}
}

func TestF8SlowBeyondTheTimeoutAndFlapping(t *testing.T) {
	w := newWorld(t)
	op, impatient := w.operator(), w.operatorFor(w.everyRight(), time.Second)
	must(t, op.sync())
	eventually(t, "the inventory is read within a second", func() bool { return impatient.sync() == nil })
	oac := w.oauthClient("app")
	w.proxy.failing(http.MethodPost, silence)
	impatient.run(keyOf(oac))
	c := w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable)
	if !strings.Contains(c.Message, "no answer in time") {
		t.Errorf("the condition does not say that it was too slow: %s", c.Message)
	}
	for i := range 4 {
		w.proxy.failing(http.MethodPost, answer(http.StatusBadGateway, "", "<html>"))
		op.run(keyOf(oac))
		w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonServerError)
		w.proxy.failing("", nil)
		w.edit(oac, func() { oac.Labels = map[string]string{"flap": fmt.Sprint(i)} })
		op.run(keyOf(oac))
		w.wantAccepted(oac)
		w.edit(oac, func() { oac.Labels["flap"] = "again" + fmt.Sprint(i) })
	}
	op.settle(keyOf(oac))
	w.wantClients(1)
}

func TestF9DatabaseWiped(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	oac, other := w.oauthClient("app"), w.oauthClient("other")
	op.settle(keyOf(oac))
	op.settle(keyOf(other))
	before := w.credentials("app")

	told := map[types.NamespacedName]bool{}
	op.Servers.Subscribe(clientSubscriber(func(owner types.NamespacedName) { told[owner] = true }))
	w.wipe()
	w.wantToken(before, http.StatusUnauthorized)
	must(t, op.sync())
	if !told[keyOf(oac)] || !told[keyOf(other)] {
		t.Fatalf("the loss was told for %v only", told)
	}

	// While it is not repaired, Ready says so.
	w.proxy.failing(http.MethodPost, answer(http.StatusServiceUnavailable, "", "{}"))
	op.run(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonStoreLost)
	w.proxy.failing("", nil)
	op.run(keyOf(oac))
	op.run(keyOf(other))

	w.wantAccepted(oac)
	after := w.credentials("app")
	if after.Secret != before.Secret || after.Registration.ClientID != before.Registration.ClientID {
		t.Error("the workload would have to restart: other credentials")
	}
	w.wantToken(before, http.StatusOK)
	w.wantClients(2)
}

func TestF10ChangedBehindTheOperatorsBack(t *testing.T) {
	w, op, oac := registered(t)
	creds := w.credentials("app")
	uid := string(w.get(keyOf(oac)).UID)

	t.Run("deleted", func(t *testing.T) {
		path := "/oauth/register/" + creds.Registration.ClientID + "?owner_namespace=" + w.app + "&owner_name=app&owner_uid=" + uid + "&counter=1"
		if a := w.server.SendText(t, http.MethodDelete, path, authtest.RegistrarToken, ""); a.Status != http.StatusNoContent {
			t.Fatalf("delete: %d %s", a.Status, a.Body)
		}
		w.wantToken(creds, http.StatusUnauthorized)
		must(t, op.server(t).Poll(t.Context(), 0))
		op.run(keyOf(oac))
		w.wantToken(creds, http.StatusOK)
	})
	t.Run("edited", func(t *testing.T) {
		p := &pass{client: w.get(keyOf(oac)), now: w.clock.Now()}
		edited := p.desired(readRecord(&w.records()[0]))
		edited.Managed.SecretHashes = []string{strings.Repeat("0", 64)}
		if a := w.server.Register(t, edited); a.Status != http.StatusOK {
			t.Fatalf("edit: %d %s", a.Status, a.Body)
		}
		w.wantToken(creds, http.StatusUnauthorized)
		must(t, op.server(t).Poll(t.Context(), 0))
		op.run(keyOf(oac))
		w.wantToken(creds, http.StatusOK)
	})
	w.wantAccepted(oac)
}

func TestF11EachAnswerHasItsConditionAndBackoff(t *testing.T) {
	for _, tc := range []struct {
		name    string
		fail    http.HandlerFunc
		reason  string
		stalled bool
		after   time.Duration // at least
	}{
		{"400", answer(400, "", `{"error":"invalid_client_metadata","error_description":"no"}`), v1alpha1.ReasonRejected, true, lookAgain},
		{"401", answer(401, "", `{"error":"invalid_token"}`), v1alpha1.ReasonRegistrarUnauthorized, false, 0},
		{"403", answer(403, "", `{"error":"insufficient_scope"}`), v1alpha1.ReasonRegistrarForbidden, false, 0},
		{"404", answer(404, "", `not here`), v1alpha1.ReasonRegistrationNotFound, false, 0},
		{"409 taken", answer(409, "", `{"error":"client_id_taken"}`), v1alpha1.ReasonClientIDTaken, true, lookAgain},
		{"409 other", answer(409, "", `{"error":"owner_mismatch"}`), v1alpha1.ReasonStale, false, 0},
		{"429", answer(429, "7", ``), v1alpha1.ReasonServerThrottled, false, 7 * time.Second},
		{"500", answer(500, "", `{"error":"server_error"}`), v1alpha1.ReasonServerError, false, 0},
		{"503 with Retry-After", answer(503, "9", ``), v1alpha1.ReasonServerError, false, 9 * time.Second},
		{"garbage", answer(200, "", `<html>Welcome to our portal`), v1alpha1.ReasonServerError, false, 0},
		{"JSON of something else", answer(200, "", `{"hello":"world"}`), v1alpha1.ReasonServerError, false, 0},
		{"redirect", answer(302, "", ``), v1alpha1.ReasonServerError, false, 0},
		{"connection closed", hangUp, v1alpha1.ReasonServerUnreachable, false, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			op := w.operator()
			must(t, op.sync())
			oac := w.oauthClient("app")
			w.proxy.failing(http.MethodPost, tc.fail)
			result := op.run(keyOf(oac))
			w.wantReady(keyOf(oac), metav1.ConditionFalse, tc.reason)
			if tc.reason == v1alpha1.ReasonClientIDTaken { // its owner may be about to go
				w.clock.Advance(status.Patience)
				result = op.run(keyOf(oac))
			}
			if got := hasCondition(w.get(keyOf(oac)), v1alpha1.ConditionStalled); got != tc.stalled {
				t.Errorf("Stalled = %v, want %v", got, tc.stalled)
			}
			if result.RequeueAfter < max(tc.after, 1) || result.RequeueAfter > 15*time.Minute {
				t.Errorf("tried again after %v, want at least %v", result.RequeueAfter, tc.after)
			}
			if w.secret(w.app, "app-oauth") != nil {
				t.Error("credentials were handed out")
			}
			writes := w.writes.Load()
			op.run(keyOf(oac))
			if got := w.writes.Load() - writes; got != 0 {
				t.Errorf("the same failure again wrote %d times", got)
			}
			w.proxy.failing("", nil)
			op.settleAccepted(oac)
		})
	}
}

// The registration Secret is emptied, or robbed of what says whose it is.
func TestF15RegistrationSecretDamaged(t *testing.T) {
	for name, damage := range map[string]func(*corev1.Secret){
		"emptied":              func(s *corev1.Secret) { s.Data = nil },
		"annotations stripped": func(s *corev1.Secret) { s.Annotations = nil },
		"client id changed":    func(s *corev1.Secret) { s.Data[keyClientID] = []byte("another") },
		"state damaged":        func(s *corev1.Secret) { s.Data[keyState] = []byte("{") },
	} {
		t.Run(name, func(t *testing.T) {
			w, op, oac := registered(t)
			before := w.credentials("app")
			s := w.records()[0]
			damage(&s)
			must(t, w.kube.Update(t.Context(), &s))
			op.settleAccepted(oac)
			w.wantToken(w.credentials("app"), http.StatusOK)
			if kept := w.credentials("app").Secret == before.Secret; kept != (name != "emptied") {
				t.Errorf("the secret is the same: %v", kept)
			}
			w.wantClients(1)
			w.delete(oac)
			op.gone(keyOf(oac))
			w.wantClients(0)
		})
	}
}

// F12: the registration access token is gone or another one: nothing depends on
// it, and it is made whole again.
func TestF12RegistrationTokenLost(t *testing.T) {
	w, op, oac := registered(t)
	before := w.credentials("app")
	s := w.records()[0]
	delete(s.Data, keyToken)
	must(t, w.kube.Update(t.Context(), &s))
	op.settle(keyOf(oac))
	if len(w.records()[0].Data[keyToken]) == 0 {
		t.Error("there is no registration access token")
	}
	if w.credentials("app").Secret != before.Secret {
		t.Error("the client secret changed")
	}
	w.wantToken(before, http.StatusOK)
	w.wantAccepted(oac)
}

// The registration Secret itself is lost: the server's counter is learnt from its
// refusal, and there is a working credential again.
func TestF12RegistrationSecretLost(t *testing.T) {
	w, op, oac := registered(t)
	for range 2 {
		w.edit(oac, func() {
			metav1.SetMetaDataAnnotation(&oac.ObjectMeta, v1alpha1.AnnotationRotateSecret, oac.Annotations[v1alpha1.AnnotationRotateSecret]+"x")
		})
		op.settle(keyOf(oac))
	}
	s := w.records()[0]
	w.delete(&s)
	op.settleAccepted(oac)
	w.wantToken(w.credentials("app"), http.StatusOK)
	w.wantClients(1)
}
