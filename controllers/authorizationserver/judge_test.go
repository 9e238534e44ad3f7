package authorizationserver

import (
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/controllers/internal/condcheck"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

const rotateEvery = time.Hour

func testServer() *v1alpha1.AuthorizationServer {
	as := &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "default", Generation: 3}}
	as.Spec.Signing = v1alpha1.SigningSpec{AccessTokenAlgorithm: v1alpha1.ES256, RotateEvery: metav1.Duration{Duration: rotateEvery}}
	return as
}

func testKeys(t *testing.T) signingKeys {
	t.Helper()
	k := signingKeys{present: true}
	for _, phase := range []keys.Phase{keys.Retiring, keys.Published, keys.Active} {
		k.set.Keys = append(k.set.Keys, testKey(t, keys.ES256, phase))
	}
	k.set.Keys = append(k.set.Keys, testKey(t, keys.RS256, keys.Active))
	return k
}

func testKey(t *testing.T, algorithm string, phase keys.Phase) keys.Key {
	t.Helper()
	key, err := keys.Generate(algorithm, epoch)
	if err != nil {
		t.Fatal(err)
	}
	key.Phase = phase
	if phase != keys.Published {
		key.Activated = &epoch
	}
	return key
}

// without takes the keys of an algorithm away, as on a server that never had it.
func (k *signingKeys) without(algorithm string) {
	k.set.Keys = slices.DeleteFunc(k.set.Keys, func(key keys.Key) bool { return key.Algorithm == algorithm })
}

// fine is what is observed when all is well.
func fine(t *testing.T) observed {
	return observed{
		now: epoch.Add(time.Minute), counted: true, signing: testKeys(t),
		state: registrar.State{
			Synced: true, StoreID: "store", Clients: 2, Policies: 1,
			Endpoints: registrar.Endpoints{Issuer: "https://as.example", Token: "https://as.example/oauth/token"},
		},
	}
}

func TestJudge(t *testing.T) {
	for _, tc := range []struct {
		name    string
		change  func(*v1alpha1.AuthorizationServer, *observed)
		ready   metav1.ConditionStatus
		reason  string
		signing string
		stalled bool
	}{
		{"all well", func(*v1alpha1.AuthorizationServer, *observed) {}, metav1.ConditionTrue, v1alpha1.ReasonServing, v1alpha1.ReasonKeysActive, false},
		{"namespace not named", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.counted = false }, metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotWatched, "", true},
		{"unreachable", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.state.Err = registrar.ErrUnreachable }, metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable, v1alpha1.ReasonKeysActive, false},
		{"insecure", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.state.Err = registrar.ErrInsecure }, metav1.ConditionFalse, v1alpha1.ReasonInsecureURL, v1alpha1.ReasonKeysActive, true},
		{"another issuer", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.state.Err = registrar.ErrIssuer }, metav1.ConditionFalse, v1alpha1.ReasonIssuerMismatch, v1alpha1.ReasonKeysActive, false},
		{"forbidden", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.state.Err = &registrar.StatusError{Status: 403} }, metav1.ConditionFalse, v1alpha1.ReasonRegistrarForbidden, v1alpha1.ReasonKeysActive, false},
		{"inventory not read", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.state = registrar.State{} }, metav1.ConditionUnknown, v1alpha1.ReasonInventoryPending, v1alpha1.ReasonKeysActive, false},
		{"no keys yet", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.signing = signingKeys{} }, metav1.ConditionFalse, v1alpha1.ReasonKeysPending, v1alpha1.ReasonKeysPending, false},
		{"keys damaged", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.signing = signingKeys{present: true, problem: "damaged"}
		}, metav1.ConditionFalse, v1alpha1.ReasonKeysInvalid, v1alpha1.ReasonKeysInvalid, true},
		{"keys damaged and unreachable", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.signing, o.state.Err = signingKeys{present: true, problem: "damaged"}, registrar.ErrUnreachable
		}, metav1.ConditionFalse, v1alpha1.ReasonKeysInvalid, v1alpha1.ReasonKeysInvalid, true},
		{"server keys damaged", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.serverKeys.problem = "damaged" }, metav1.ConditionFalse, v1alpha1.ReasonKeysInvalid, v1alpha1.ReasonKeysActive, true},
		{"rotation due", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.now = epoch.Add(rotateEvery) }, metav1.ConditionTrue, v1alpha1.ReasonServing, v1alpha1.ReasonRotating, false},
		{"rotation asked for", func(as *v1alpha1.AuthorizationServer, _ *observed) {
			as.Annotations = map[string]string{v1alpha1.AnnotationRotateSigningKeys: "now"}
		}, metav1.ConditionTrue, v1alpha1.ReasonServing, v1alpha1.ReasonRotating, false},
		{"rotation asked for and done", func(as *v1alpha1.AuthorizationServer, o *observed) {
			as.Annotations = map[string]string{v1alpha1.AnnotationRotateSigningKeys: "now"}
			o.signing.handled = "now"
		}, metav1.ConditionTrue, v1alpha1.ReasonServing, v1alpha1.ReasonKeysActive, false},
		{"only the ID tokens' key is due", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			younger := epoch.Add(time.Minute)
			o.now, o.signing.set.Keys[2].Activated = epoch.Add(rotateEvery), &younger
		}, metav1.ConditionTrue, v1alpha1.ReasonServing, v1alpha1.ReasonRotating, false},
		{"no key for ID tokens yet", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.signing.without(keys.RS256)
		}, metav1.ConditionTrue, v1alpha1.ReasonServing, v1alpha1.ReasonRotating, false},
		{"no key for access tokens yet", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.signing.without(keys.ES256)
		}, metav1.ConditionTrue, v1alpha1.ReasonServing, v1alpha1.ReasonRotating, false},
		{"one key for both kinds", func(as *v1alpha1.AuthorizationServer, o *observed) {
			as.Spec.Signing.IDTokenAlgorithm = v1alpha1.ES256
			o.signing.without(keys.RS256)
		}, metav1.ConditionTrue, v1alpha1.ReasonServing, v1alpha1.ReasonKeysActive, false},
		{"rotation due and unreachable", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.now, o.state.Err = epoch.Add(rotateEvery), registrar.ErrUnreachable
		}, metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable, v1alpha1.ReasonReplicasUnknown, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			as, o := testServer(), fine(t)
			tc.change(as, &o)
			status := judge(as, o)
			for _, err := range condcheck.Check(as.Generation, status.ObservedGeneration, status.Conditions) {
				t.Error(err)
			}
			ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
			if ready.Status != tc.ready || ready.Reason != tc.reason {
				t.Errorf("Ready is %s %s, want %s %s", ready.Status, ready.Reason, tc.ready, tc.reason)
			}
			if signing := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionSigningKeysReady); signing == nil && tc.signing != "" || signing != nil && signing.Reason != tc.signing {
				t.Errorf("SigningKeysReady is %+v, want %s", signing, tc.signing)
			}
			if stalled := meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionStalled); stalled != tc.stalled {
				t.Errorf("Stalled = %v, want %v", stalled, tc.stalled)
			}
			as.Status = status
			o.now = o.now.Add(time.Second)
			if again := judge(as, o); !equality.Semantic.DeepEqual(again, status) {
				t.Errorf("judged again the status is another: %+v, was %+v", again, status)
			}
		})
	}
}

func TestStatusListsTheKeysActiveFirst(t *testing.T) {
	status := judge(testServer(), fine(t))
	var phases []string
	for _, k := range status.SigningKeys {
		phases = append(phases, string(k.Phase))
	}
	if got := strings.Join(phases, " "); got != "Active Active Published Retiring" {
		t.Errorf("the keys are %s", got)
	}
}

func TestSigningSaysWhichKeySignsWhat(t *testing.T) {
	o := fine(t)
	es, rs := o.signing.set.Keys[2].KID, o.signing.set.Keys[3].KID
	for name, tc := range map[string]struct {
		change func(*v1alpha1.AuthorizationServer)
		want   string
	}{
		"by default": {func(*v1alpha1.AuthorizationServer) {}, "ES256 key " + es + " signs access tokens, RS256 key " + rs + " ID tokens"},
		"turned round": {func(as *v1alpha1.AuthorizationServer) {
			as.Spec.Signing.AccessTokenAlgorithm, as.Spec.Signing.IDTokenAlgorithm = v1alpha1.RS256, v1alpha1.ES256
		}, "RS256 key " + rs + " signs access tokens, ES256 key " + es + " ID tokens"},
		"one for both": {func(as *v1alpha1.AuthorizationServer) { as.Spec.Signing.AccessTokenAlgorithm = v1alpha1.RS256 }, "RS256 key " + rs + " signs"},
	} {
		as := testServer()
		tc.change(as)
		if got := judgeSigning(as, o); got.message != tc.want {
			t.Errorf("%s: %q, want %q", name, got.message, tc.want)
		}
	}
}

// What a server said stays in the status while it is away.
func TestStatusKeepsWhatWasKnown(t *testing.T) {
	as := testServer()
	as.Status = judge(as, fine(t))
	o := fine(t)
	o.state = registrar.State{Err: registrar.ErrUnreachable}
	status := judge(as, o)
	if status.Endpoints == nil || status.StoreID != "store" || status.Clients != 2 || status.Policies != 1 {
		t.Errorf("the status forgot the server: %+v", status)
	}
}

func TestPausedSaysHowToConfirm(t *testing.T) {
	o := fine(t)
	o.brake = registrar.BrakeState{Paused: true, Waiting: 30, Limit: 20, Confirm: "30-abcd"}
	status := judge(testServer(), o)
	paused := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionDeregistrationPaused)
	for _, want := range []string{"30 OAuthClients", "20", "-n system authorizationserver default", v1alpha1.AnnotationConfirmDeregistration + "=30-abcd"} {
		if !strings.Contains(paused.Message, want) {
			t.Errorf("the message %q does not say %q", paused.Message, want)
		}
	}
}
