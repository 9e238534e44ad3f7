package oauthclient

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/rules"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func orphaning(o *v1alpha1.OAuthClient) { o.Spec.DeletionPolicy = v1alpha1.DeletionPolicyOrphan }

func TestOrphanKeepsWorkingAndIsAdopted(t *testing.T) {
	w := newWorld(t)
	w.allow(&v1alpha1.ClientAccess{Orphan: true})
	op := w.operator()
	oac := w.oauthClient("app", orphaning)
	op.settle(keyOf(oac))
	creds := w.credentials("app")
	if refs := w.secret(w.app, "app-oauth").OwnerReferences; len(refs) != 0 {
		t.Fatalf("an orphan's Secret would be collected: %v", refs)
	}
	w.delete(oac)
	op.gone(keyOf(oac))
	w.wantToken(creds, http.StatusOK)
	w.wantClients(1)

	// The server loses it: it is brought back though its OAuthClient is gone.
	w.wipe()
	op.settle(keyOf(oac))
	w.wantToken(creds, http.StatusOK)

	again := w.oauthClient("app")
	op.settleAccepted(again)
	if w.credentials("app").Secret != creds.Secret {
		t.Error("adopting changed the secret")
	}
	w.wantToken(creds, http.StatusOK)
	if refs := w.secret(w.app, "app-oauth").OwnerReferences; len(refs) != 1 || refs[0].UID != again.UID {
		t.Errorf("the adopted Secret is owned by %v", refs)
	}
	w.wantClients(1)
}

func TestOrphanRecreatedBeforeTheOperatorNoticed(t *testing.T) {
	w := newWorld(t)
	w.allow(&v1alpha1.ClientAccess{Orphan: true})
	op := w.operator()
	oac := w.oauthClient("app", orphaning)
	op.settle(keyOf(oac))
	creds := w.credentials("app")
	w.delete(oac)
	again := w.oauthClient("app", orphaning)
	op.settleAccepted(again)
	w.wantToken(creds, http.StatusOK)
	if w.credentials("app").Secret != creds.Secret {
		t.Error("adopting changed the secret")
	}
}

func TestDisabledIsRefusedAndComesBack(t *testing.T) {
	w, op, oac := registered(t)
	creds := w.credentials("app")
	w.edit(oac, func() { oac.Spec.Disabled = true })
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionTrue, v1alpha1.ReasonDisabled)
	w.wantToken(creds, http.StatusUnauthorized)
	w.edit(oac, func() { oac.Spec.Disabled = false })
	op.settleAccepted(oac)
	w.wantToken(creds, http.StatusOK)
}

func TestRotationBySchedule(t *testing.T) {
	w, op, oac := registered(t, func(o *v1alpha1.OAuthClient) {
		o.Spec.Credentials.RotateEvery = &metav1.Duration{Duration: time.Hour}
		o.Spec.Credentials.Overlap = &metav1.Duration{Duration: 10 * time.Minute}
	})
	first := w.credentials("app")
	if d := op.run(keyOf(oac)).RequeueAfter; d != time.Hour {
		t.Errorf("looked at again after %v, want an hour", d)
	}
	w.clock.Advance(time.Hour)
	op.settle(keyOf(oac))
	second := w.credentials("app")
	if second.Secret == first.Secret {
		t.Fatal("not rotated")
	}
	w.wantToken(first, http.StatusOK)
	w.wantToken(second, http.StatusOK)
	if w.get(keyOf(oac)).Status.PreviousSecretExpires == nil {
		t.Error("the status does not say until when the old secret is valid")
	}
	w.clock.Advance(10 * time.Minute)
	op.settle(keyOf(oac))
	w.wantToken(first, http.StatusUnauthorized)
	w.wantToken(second, http.StatusOK)
	if w.get(keyOf(oac)).Status.PreviousSecretExpires != nil {
		t.Error("the status tells of an old secret that is gone")
	}
}

func TestOverlapZeroCutsAtOnce(t *testing.T) {
	w, op, oac := registered(t, func(o *v1alpha1.OAuthClient) { o.Spec.Credentials.Overlap = &metav1.Duration{} })
	first := w.credentials("app")
	w.edit(oac, func() { metav1.SetMetaDataAnnotation(&oac.ObjectMeta, v1alpha1.AnnotationRotateSecret, "1") })
	op.settle(keyOf(oac))
	w.wantToken(first, http.StatusUnauthorized)
	w.wantToken(w.credentials("app"), http.StatusOK)
}

func TestManyRotationsKeepTheSecretSmall(t *testing.T) {
	w, op, oac := registered(t)
	var last []string
	for i := range 5 {
		w.edit(oac, func() { metav1.SetMetaDataAnnotation(&oac.ObjectMeta, v1alpha1.AnnotationRotateSecret, fmt.Sprint(i)) })
		op.settle(keyOf(oac))
		last = readRecord(&w.records()[0]).hashes()
	}
	if len(last) != 2 {
		t.Errorf("%d secrets are valid after five rotations, want 2", len(last))
	}
	w.wantToken(w.credentials("app"), http.StatusOK)
}

func TestNamespaceNoLongerAllowedLosesAccess(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	access := w.access()
	w.edit(access, func() {
		access.Spec.Namespaces = v1alpha1.NamespaceGroup{
			From: v1alpha1.NamespacesFromSelector, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}},
		}
	})
	oac := w.oauthClient("app")
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotAllowed)
	w.wantClients(0)

	w.labelNamespace("tier", "gold")
	op.settleAccepted(oac)
	creds := w.credentials("app")
	w.wantToken(creds, http.StatusOK)

	w.labelNamespace("tier", "lead")
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotAllowed)
	w.wantToken(creds, http.StatusUnauthorized)

	w.labelNamespace("tier", "gold")
	op.settle(keyOf(oac))
	w.wantToken(creds, http.StatusOK)
}

func (w *world) labelNamespace(key, value string) {
	w.t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.app}}
	w.edit(ns, func() { metav1.SetMetaDataLabel(&ns.ObjectMeta, key, value) })
}

func TestScopesFollowThePoliciesInForce(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	oac := w.oauthClient("app", func(o *v1alpha1.OAuthClient) {
		o.Spec.Resources = []string{"https://api.example"}
		o.Spec.Scopes = []string{"read", "write", "unheard"}
	})
	sp := &v1alpha1.ScopePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: w.app, Name: "api"}}
	sp.Spec.Resource = "https://api.example"
	sp.Spec.Scopes = []v1alpha1.ScopeDeclaration{{Name: "read"}, {Name: "write"}}
	sp.Spec.Allow = []v1alpha1.AllowRule{{Namespaces: v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSame}, Scopes: []string{"read"}}}
	w.create(sp)
	op.settle(keyOf(oac))
	w.wantScopes(keyOf(oac), v1alpha1.ReasonNoneGranted, map[string]string{"read": "NotDeclared", "write": "NotDeclared", "unheard": "NotDeclared"})

	// In force only once the server has it.
	must(t, op.server(t).PutPolicy(t.Context(), rules.Policy(sp)))
	op.policies.refresh(op.server(t))
	op.settle(keyOf(oac))
	w.wantScopes(keyOf(oac), v1alpha1.ReasonSomeDenied, map[string]string{"read": "Allowed", "write": "NotAllowed", "unheard": "NotDeclared"})

	// A changed policy counts as the server still has it.
	w.edit(sp, func() { sp.Spec.Allow[0].Scopes = []string{"read", "write"} })
	op.catchUpCache()
	op.policies.refresh(op.server(t))
	op.settle(keyOf(oac))
	w.wantScopes(keyOf(oac), v1alpha1.ReasonSomeDenied, map[string]string{"read": "Allowed", "write": "NotAllowed", "unheard": "NotDeclared"})
	must(t, op.server(t).PutPolicy(t.Context(), rules.Policy(sp)))
	op.policies.refresh(op.server(t))
	op.settle(keyOf(oac))
	w.wantScopes(keyOf(oac), v1alpha1.ReasonSomeDenied, map[string]string{"read": "Allowed", "write": "Allowed", "unheard": "NotDeclared"})
}

func (w *world) wantScopes(key types.NamespacedName, reason string, want map[string]string) {
	w.t.Helper()
	oac := w.get(key)
	for _, s := range oac.Status.Scopes {
		if s.Reason != want[s.Name] || s.Granted != (s.Reason == v1alpha1.ScopeReasonAllowed) {
			w.t.Errorf("scope %s: %s granted=%v, want %s", s.Name, s.Reason, s.Granted, want[s.Name])
		}
	}
	if len(oac.Status.Scopes) != len(want) {
		w.t.Errorf("%d scopes in status, want %d", len(oac.Status.Scopes), len(want))
	}
	for _, c := range oac.Status.Conditions {
		if c.Type == v1alpha1.ConditionScopesGranted && c.Reason != reason {
			w.t.Errorf("ScopesGranted is %s, want %s", c.Reason, reason)
		}
	}
}

func TestTemplateShapesTheSecretAndLetsGo(t *testing.T) {
	w, op, oac := registered(t, func(o *v1alpha1.OAuthClient) {
		o.Spec.Credentials.Template = &v1alpha1.CredentialsTemplate{
			Labels: map[string]v1alpha1.LabelValue{"keep": "1", "go": "1"}, Annotations: map[string]v1alpha1.AnnotationValue{"go": "1"},
			Keys: &v1alpha1.CredentialsKeys{ClientID: "CLIENT_ID", ClientSecret: "CLIENT_SECRET"},
		}
	})
	s := w.secret(w.app, "app-oauth")
	if len(s.Data["CLIENT_ID"]) == 0 || len(s.Data["CLIENT_SECRET"]) == 0 || len(s.Data["token_endpoint"]) == 0 || len(s.Data) != 4 {
		t.Errorf("the keys are wrong: %d", len(s.Data))
	}
	metav1.SetMetaDataLabel(&s.ObjectMeta, "theirs", "1")
	must(t, w.kube.Update(t.Context(), s))
	w.edit(oac, func() {
		oac.Spec.Credentials.Template = &v1alpha1.CredentialsTemplate{Labels: map[string]v1alpha1.LabelValue{"keep": "2"}}
	})
	op.settle(keyOf(oac))
	s = w.secret(w.app, "app-oauth")
	if s.Labels["keep"] != "2" || s.Labels["go"] != "" || s.Annotations["go"] != "" || s.Labels["theirs"] != "1" {
		t.Errorf("labels %v, annotations %v", s.Labels, s.Annotations)
	}
	if len(s.Data["client_id"]) == 0 || len(s.Data) != 4 {
		t.Error("the renamed keys stay")
	}
	w.wantToken(w.credentials("app"), http.StatusOK)
}
