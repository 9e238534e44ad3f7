package oauthclient

import (
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// setCABundle writes what the controller of AuthorizationServers would.
func (w *world) setCABundle(pem string) {
	w.t.Helper()
	as := &v1alpha1.AuthorizationServer{}
	must(w.t, w.kube.Get(w.t.Context(), types.NamespacedName{Namespace: w.system, Name: "default"}, as))
	before := as.DeepCopy()
	as.Status.CABundle = pem
	must(w.t, w.kube.Status().Patch(w.t.Context(), as, client.MergeFrom(before)))
}

// K5: apps find the CA of the server beside their credentials, as it is now, and no such
// key where they need none.
func TestK5CredentialsHoldTheCA(t *testing.T) {
	w, op, oac := registered(t)
	ca := func() string {
		t.Helper()
		op.settleAccepted(oac)
		data := w.secret(w.app, "app-oauth").Data
		if data["client_id"] == nil || data["client_secret"] == nil {
			t.Fatal("the credentials are gone")
		}
		pem, there := data["ca.crt"]
		if there && len(pem) == 0 {
			t.Error("ca.crt is there and empty")
		}
		return string(pem)
	}
	for _, pem := range []string{"", "one", "one, two", "two"} {
		w.setCABundle(pem)
		if got := ca(); got != pem {
			t.Errorf("ca.crt %q, want %q", got, pem)
		}
	}
	w.proxy.failing("GET", answer(503, "", ""))
	w.setCABundle("three")
	if op.sync() == nil {
		t.Fatal("the server answers")
	}
	op.run(keyOf(oac))
	if got := string(w.secret(w.app, "app-oauth").Data["ca.crt"]); got != "three" {
		t.Errorf("ca.crt %q while the server is down, want three", got)
	}
	w.proxy.failing("", nil)
	s := w.secret(w.app, "app-oauth")
	w.edit(s, func() { s.Data["ca.crt"] = []byte("mine") })
	if got := ca(); got != "three" {
		t.Errorf("ca.crt %q after somebody edited it", got)
	}
	w.setCABundle("")
	if got := ca(); got != "" {
		t.Errorf("ca.crt %q, want none", got)
	}
	if n := samples(t, op.Metrics())["clientele_credentials_repairs_total{cause="+causeEdited+"}"]; n != 0 {
		t.Errorf("%v repairs are counted: another CA is none", n)
	}
}

// K5: a key that the template puts there is not overwritten.
func TestK5TemplateMayUseTheKeyOfTheCA(t *testing.T) {
	w, op, oac := registered(t, func(o *v1alpha1.OAuthClient) {
		o.Spec.Credentials.Template = &v1alpha1.CredentialsTemplate{Keys: &v1alpha1.CredentialsKeys{Issuer: "ca.crt"}}
	})
	w.setCABundle("one")
	op.settleAccepted(oac)
	if got := string(w.secret(w.app, "app-oauth").Data["ca.crt"]); got != w.server.Issuer {
		t.Errorf("ca.crt %q, want the issuer, as the template says", got)
	}
}
