package oauthclient

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func clientSubscriber(f func(types.NamespacedName)) registrar.Subscriber {
	return registrar.Subscriber{Client: func(_ registrar.Key, owner types.NamespacedName) { f(owner) }}
}

func hasCondition(oac *v1alpha1.OAuthClient, kind string) bool {
	return meta.FindStatusCondition(oac.Status.Conditions, kind) != nil
}

func TestF15CredentialsSecretIsRepaired(t *testing.T) {
	for _, tc := range []struct {
		name   string
		break_ func(*world, *corev1.Secret) error
	}{
		{"deleted", func(w *world, s *corev1.Secret) error { return w.kube.Delete(w.t.Context(), s) }},
		{"edited", func(w *world, s *corev1.Secret) error {
			s.Data["client_secret"] = []byte("wrong")
			return w.kube.Update(w.t.Context(), s)
		}},
		{"key added", func(w *world, s *corev1.Secret) error {
			s.Data["password"] = []byte("x")
			return w.kube.Update(w.t.Context(), s)
		}},
		{"emptied", func(w *world, s *corev1.Secret) error { s.Data = nil; return w.kube.Update(w.t.Context(), s) }},
		{"owner reference stripped", func(w *world, s *corev1.Secret) error {
			s.OwnerReferences = nil
			return w.kube.Update(w.t.Context(), s)
		}},
		{"label stripped", func(w *world, s *corev1.Secret) error { s.Labels = nil; return w.kube.Update(w.t.Context(), s) }},
		{"annotations stripped", func(w *world, s *corev1.Secret) error {
			s.Annotations = nil
			return w.kube.Update(w.t.Context(), s)
		}},
		{"label stripped and edited", func(w *world, s *corev1.Secret) error {
			s.Labels, s.Data = nil, map[string][]byte{"client_secret": []byte("wrong")}
			return w.kube.Update(w.t.Context(), s)
		}},
	} {
		for _, down := range []bool{false, true} {
			t.Run(tc.name+map[bool]string{true: ", server down"}[down], func(t *testing.T) {
				w, op, oac := registered(t)
				before := w.secret(w.app, "app-oauth")
				requests := w.proxy.requests.Load()
				if down {
					w.proxy.target("http://127.0.0.1:1")
				}
				must(t, tc.break_(w, before.DeepCopy()))
				op.run(keyOf(oac))
				after := w.secret(w.app, "app-oauth")
				if after == nil || !sameCredentials(before, after) {
					t.Fatalf("not repaired: %v", after)
				}
				if got := w.proxy.requests.Load() - requests; got != 0 {
					t.Errorf("%d requests to the server for that", got)
				}
				w.wantAccepted(oac)
			})
		}
	}
}

func TestF15RegistrationSecretLabelStripped(t *testing.T) {
	w, op, oac := registered(t)
	before := w.credentials("app")
	s := w.records()[0]
	s.Labels = nil
	must(t, w.kube.Update(t.Context(), &s))
	op.settle(keyOf(oac))
	if len(w.records()) != 1 {
		t.Fatal("the registration Secret has no label again")
	}
	if w.credentials("app").Secret != before.Secret {
		t.Error("the secret changed")
	}
	w.wantAccepted(oac)
}

func TestF16ForeignSecretIsNeverWritten(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.app, Name: "app-oauth"}, Data: map[string][]byte{"mine": []byte("1")}}
	w.create(foreign)
	oac := w.oauthClient("app")
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonSecretConflict)
	if got := w.secret(w.app, "app-oauth"); got.ResourceVersion != foreign.ResourceVersion {
		t.Error("somebody else's Secret was written to")
	}
	w.delete(foreign)
	op.settleAccepted(oac)
}

func TestF16TwoOAuthClientsNamingOneSecret(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	named := func(o *v1alpha1.OAuthClient) { o.Spec.Credentials.SecretName = "shared" }
	first := w.oauthClient("first", named)
	op.settle(keyOf(first))
	second := w.oauthClient("second", named)
	op.settle(keyOf(second))
	c := w.wantReady(keyOf(second), metav1.ConditionFalse, v1alpha1.ReasonSecretConflict)
	if !strings.Contains(c.Message, keyOf(first).String()) {
		t.Errorf("the condition does not say who holds it: %s", c.Message)
	}
	op.settleAccepted(first)
	if got := string(w.secret(w.app, "shared").Data["client_id"]); got != w.app+".first" {
		t.Errorf("the Secret holds client %s", got)
	}
}

func TestRenamedSecretRemovesTheOldOne(t *testing.T) {
	w, op, oac := registered(t)
	before := w.credentials("app")
	w.edit(oac, func() { oac.Spec.Credentials.SecretName = "renamed" })
	op.settle(keyOf(oac))
	if w.secret(w.app, "app-oauth") != nil {
		t.Error("the Secret of the old name stays")
	}
	if got := string(w.secret(w.app, "renamed").Data["client_secret"]); got != before.Secret.Reveal() {
		t.Error("the renamed Secret holds another secret")
	}
	if got := w.get(keyOf(oac)).Status.CredentialsSecret; got != "renamed" {
		t.Errorf("status.credentialsSecret = %s", got)
	}
}

func TestF17ClientIDOfAnotherNamespaceOrTaken(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	theirs := w.oauthClient("theirs", func(o *v1alpha1.OAuthClient) { o.Spec.ClientID = "elsewhere.app" })
	op.settle(keyOf(theirs))
	w.wantReady(keyOf(theirs), metav1.ConditionFalse, v1alpha1.ReasonClientIDNotAllowed)
	w.wantClients(0)
	if len(w.records()) != 0 {
		t.Error("a client that is not allowed has a registration Secret")
	}

	first := w.oauthClient("first", func(o *v1alpha1.OAuthClient) { o.Spec.ClientID = w.app + ".one" })
	op.settle(keyOf(first))
	second := w.oauthClient("second", func(o *v1alpha1.OAuthClient) { o.Spec.ClientID = w.app + ".one" })
	op.settle(keyOf(second))
	w.wantAccepted(first)
	w.wantReady(keyOf(second), metav1.ConditionFalse, v1alpha1.ReasonClientIDTaken)
	w.wantToken(w.credentials("first"), http.StatusOK)
	w.wantClients(1)
	// When the first goes, the second gets it.
	w.delete(first)
	op.gone(keyOf(first))
	op.settleAccepted(second)
}

// TestF17AClientIDIsNotToBeHadByALostStore: the second OAuthClient of a client id waits
// for the store to be lost, and is the first to be looked at afterwards.
func TestF17AClientIDIsNotToBeHadByALostStore(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	legacy := func(o *v1alpha1.OAuthClient) { o.Spec.ClientID = "legacy-pay" }
	w.allow(&v1alpha1.ClientAccess{ClientIDPrefixes: []string{"legacy-"}})
	victim := w.oauthClient("victim", legacy)
	op.settleAccepted(victim)
	thief := w.oauthClient("thief", legacy, inNamespace(w.system))
	op.settle(keyOf(thief))
	w.wantReady(keyOf(thief), metav1.ConditionFalse, v1alpha1.ReasonClientIDTaken)
	w.wipe()
	op.settle(keyOf(thief))
	w.wantReady(keyOf(thief), metav1.ConditionFalse, v1alpha1.ReasonClientIDTaken)
	op.settleAccepted(victim)
	w.wantToken(w.credentials("victim"), http.StatusOK)
	w.delete(victim)
	op.gone(keyOf(victim))
	op.settleAccepted(thief)
}

// TestF17AnOrphansClientIDIsNotToBeHadByALostStore: the same of an orphan. Without its id
// it could never be registered again, and the store would stay incomplete.
func TestF17AnOrphansClientIDIsNotToBeHadByALostStore(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	legacy := func(o *v1alpha1.OAuthClient) { o.Spec.ClientID = "legacy-orphan" }
	w.allow(&v1alpha1.ClientAccess{ClientIDPrefixes: []string{"legacy-"}, Orphan: true})
	victim := w.oauthClient("victim", legacy, orphaning)
	op.settleAccepted(victim)
	creds := w.credentials("victim")
	w.delete(victim)
	op.settle(keyOf(victim))
	thief := w.oauthClient("thief", legacy, inNamespace(w.system))
	w.wipe()
	op.settle(keyOf(thief))
	w.wantReady(keyOf(thief), metav1.ConditionFalse, v1alpha1.ReasonClientIDTaken)
	op.settle(keyOf(victim))
	w.wantToken(creds, http.StatusOK)
}

func TestAllowedPrefixPermitsAForeignClientID(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	w.allow(&v1alpha1.ClientAccess{ClientIDPrefixes: []string{"legacy-"}})
	oac := w.oauthClient("app", func(o *v1alpha1.OAuthClient) { o.Spec.ClientID = "legacy-app" })
	op.settleAccepted(oac)
	w.wantToken(w.credentials("app"), http.StatusOK)
}

func TestF17DeletedAndCreatedAnew(t *testing.T) {
	for _, seen := range []bool{true, false} {
		t.Run(map[bool]string{true: "after deregistration", false: "before the operator noticed"}[seen], func(t *testing.T) {
			w, op, oac := registered(t)
			old := w.credentials("app")
			w.delete(oac)
			if seen {
				op.gone(keyOf(oac))
			}
			again := w.oauthClient("app")
			op.settleAccepted(again)
			fresh := w.credentials("app")
			if fresh.Registration.ClientID != old.Registration.ClientID {
				t.Error("the client id changed")
			}
			w.wantToken(fresh, http.StatusOK)
			w.wantToken(old, http.StatusUnauthorized)
			w.wantClients(1)
			if n := len(w.records()); n != 1 {
				t.Errorf("%d registration Secrets", n)
			}
		})
	}
}

func TestF18NamespaceDeletedWhileTheServerIsDown(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "doomed-"}}
	w.create(ns)
	w.app = ns.Name
	oac := w.oauthClient("app")
	op.settle(keyOf(oac))
	creds := w.credentials("app")
	w.proxy.failing(http.MethodDelete, hangUp)
	w.delete(ns)
	eventually(t, "the namespace is gone", func() bool {
		// The operator sees each stage of it and must not stand in the way.
		_, _ = op.tryRun(keyOf(oac))
		return client.IgnoreNotFound(w.kube.Get(t.Context(), client.ObjectKeyFromObject(ns), &corev1.Namespace{})) == nil &&
			w.kube.Get(t.Context(), client.ObjectKeyFromObject(ns), &corev1.Namespace{}) != nil
	})
	op.startGone(keyOf(oac))
	if len(w.records()) != 1 {
		t.Fatal("the tombstone went though the server does not know")
	}
	w.proxy.failing("", nil)
	op.gone(keyOf(oac))
	w.wantClients(0)
	w.wantToken(creds, http.StatusUnauthorized)
	if len(w.records()) != 0 {
		t.Error("the tombstone stays")
	}
}

func TestF19AuthorizationServerDeletedAndBack(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	oac, doomed := w.oauthClient("app"), w.oauthClient("doomed")
	op.settle(keyOf(oac))
	op.settle(keyOf(doomed))
	before := w.credentials("app")
	w.delete(w.authorizationServer())
	op.run(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonServerNotFound)
	w.delete(doomed)
	op.startGone(keyOf(doomed))
	if len(w.records()) != 2 {
		t.Fatal("a tombstone went without its server")
	}
	w.create(w.authorizationServer())
	op.settleAccepted(oac)
	w.wantToken(before, http.StatusOK)
	op.gone(keyOf(doomed))
	w.wantClients(1)
}

// F19: the operator was removed, OAuthClients went meanwhile, it is installed
// again.
func TestF19OperatorInstalledAgain(t *testing.T) {
	w := newWorld(t)
	oac, gone := w.oauthClient("app"), w.oauthClient("gone")
	first := w.operator()
	first.settle(keyOf(oac))
	first.settle(keyOf(gone))
	w.delete(gone)
	second := w.operator()
	var told []types.NamespacedName
	second.Servers.Subscribe(clientSubscriber(func(owner types.NamespacedName) { told = append(told, owner) }))
	must(t, second.sync())
	for _, owner := range told {
		second.run(owner)
	}
	w.clock.Advance(brakeAge)
	for _, owner := range told {
		second.settle(owner)
	}
	w.wantClients(1)
	w.wantAccepted(oac)
}

// F19: even a client whose registration Secret is lost as well is not leaked.
func TestF19ClientWithoutAnySecretIsNotLeaked(t *testing.T) {
	w, op, oac := registered(t)
	w.delete(oac)
	s := w.records()[0]
	w.delete(&s)
	op.gone(keyOf(oac))
	w.wantClients(0)
}

func TestF23F35NothingToDoWritesNothing(t *testing.T) {
	w, op, oac := registered(t, func(o *v1alpha1.OAuthClient) {
		o.Spec.Scopes = []string{"b", "a"}
		o.Spec.Credentials.Template = &v1alpha1.CredentialsTemplate{Labels: map[string]v1alpha1.LabelValue{"x": "y"}, Annotations: map[string]v1alpha1.AnnotationValue{"p": "q"}}
	})
	writes, requests := w.writes.Load(), w.proxy.requests.Load()
	for range 20 {
		w.clock.Advance(90 * time.Second)
		op.run(keyOf(oac))
	}
	if w.writes.Load() != writes || w.proxy.requests.Load() != requests {
		t.Errorf("%d writes and %d requests in half an hour of idleness", w.writes.Load()-writes, w.proxy.requests.Load()-requests)
	}
	// A reordered list is the same set: one registration for the generation, and
	// no write but the status's observedGeneration.
	w.edit(oac, func() { oac.Spec.Scopes = []string{"a", "b"} })
	op.settle(keyOf(oac))
	if got := w.writes.Load() - writes; got > 1 {
		t.Errorf("reordering a list wrote %d times", got)
	}
	w.wantAccepted(oac)
}

// F24: a GitOps tool applies the same manifest again and again, and compares.
func TestF24SelfHealSeesNoDiffAndCausesNoWrite(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	key := types.NamespacedName{Namespace: w.app, Name: "app"}
	apply := func() *unstructured.Unstructured {
		oac := &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": v1alpha1.GroupVersion.String(), "kind": "OAuthClient",
			"metadata": map[string]any{"namespace": key.Namespace, "name": key.Name, "labels": map[string]any{"app.kubernetes.io/instance": "x"}},
			"spec":     map[string]any{"scopes": []any{"read"}},
		}}
		must(t, w.kube.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(oac), client.FieldOwner("gitops"), client.ForceOwnership))
		return oac
	}
	apply()
	op.settle(key)
	writes, requests := w.writes.Load(), w.proxy.requests.Load()
	rest := w.get(key)
	for range 60 {
		w.clock.Advance(10 * time.Second)
		healed := apply()
		if healed.GetGeneration() != rest.Generation || healed.GetResourceVersion() != rest.ResourceVersion {
			t.Fatalf("applying the same manifest changed the object: generation %d, resourceVersion %s", healed.GetGeneration(), healed.GetResourceVersion())
		}
		op.run(key)
	}
	if w.writes.Load() != writes || w.proxy.requests.Load() != requests {
		t.Errorf("ten minutes of self-heal caused %d writes and %d requests", w.writes.Load()-writes, w.proxy.requests.Load()-requests)
	}
}
