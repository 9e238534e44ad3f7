package oauthclient

import (
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/access"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// given are the rights of namespace ns by a NamespaceAccess "teams" for every
// namespace; without a spec there is none.
func given(specs ...v1alpha1.NamespaceAccessSpec) access.Rights {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns"}}
	return access.Of(someServer, objectsOf(specs)).For(ns)
}

func objectsOf(specs []v1alpha1.NamespaceAccessSpec) []v1alpha1.NamespaceAccess {
	var all []v1alpha1.NamespaceAccess
	for _, spec := range specs {
		spec.Namespaces.From = v1alpha1.NamespacesFromAll
		all = append(all, v1alpha1.NamespaceAccess{ObjectMeta: metav1.ObjectMeta{Namespace: someServer.Namespace, Name: "teams"}, Spec: spec})
	}
	return all
}

// Each refusal names what to change, and where.
func TestDenied(t *testing.T) {
	clients := func(c v1alpha1.ClientAccess) []v1alpha1.NamespaceAccessSpec {
		return []v1alpha1.NamespaceAccessSpec{{Clients: &c}}
	}
	for _, tc := range []struct {
		name  string
		specs []v1alpha1.NamespaceAccessSpec
		spec  v1alpha1.OAuthClientSpec
		want  string   // the reason; empty: allowed
		words []string // in the message
	}{
		{"no NamespaceAccess", nil, v1alpha1.OAuthClientSpec{}, v1alpha1.ReasonNamespaceNotAllowed,
			[]string{"has no NamespaceAccess", "a NamespaceAccess in namespace system that matches namespace ns and has spec.clients"}},
		{"no section", []v1alpha1.NamespaceAccessSpec{{}}, v1alpha1.OAuthClientSpec{}, v1alpha1.ReasonNamespaceNotAllowed,
			[]string{"a NamespaceAccess in namespace system that matches namespace ns with spec.clients"}},
		{"least", clients(v1alpha1.ClientAccess{}), v1alpha1.OAuthClientSpec{}, "", nil},
		{"own id", clients(v1alpha1.ClientAccess{}), v1alpha1.OAuthClientSpec{ClientID: "ns.x"}, "", nil},
		{"foreign id", clients(v1alpha1.ClientAccess{}), v1alpha1.OAuthClientSpec{ClientID: "x"}, v1alpha1.ReasonClientIDNotAllowed,
			[]string{`"x" must start with "ns."`, "spec.clients.clientIDPrefixes"}},
		{"foreign id, permitted", clients(v1alpha1.ClientAccess{ClientIDPrefixes: []string{"x"}}), v1alpha1.OAuthClientSpec{ClientID: "xy"}, "", nil},
		{"S13 another namespace's id", clients(v1alpha1.ClientAccess{ClientIDPrefixes: []string{"shop"}}), v1alpha1.OAuthClientSpec{ClientID: "shop.checkout"}, v1alpha1.ReasonClientIDNotAllowed,
			[]string{"no prefix permits an id that reads like the default id of another namespace"}},
		{"host", clients(v1alpha1.ClientAccess{RedirectHosts: []string{"a.example"}}), v1alpha1.OAuthClientSpec{RedirectURIs: []string{"https://a.example:8443/cb"}}, "", nil},
		{"another host", clients(v1alpha1.ClientAccess{RedirectHosts: []string{"a.example"}}), v1alpha1.OAuthClientSpec{RedirectURIs: []string{"https://a.example/", "https://b.example/"}}, v1alpha1.ReasonRedirectHostNotAllowed,
			[]string{`spec.redirectURIs[1] leads to "b.example"`, "spec.clients.redirectHosts", "(these match: teams)"}},
		{"another host after signing out", clients(v1alpha1.ClientAccess{RedirectHosts: []string{"a.example"}}), v1alpha1.OAuthClientSpec{PostLogoutRedirectURIs: []string{"https://b.example/"}}, v1alpha1.ReasonRedirectHostNotAllowed,
			[]string{`spec.postLogoutRedirectURIs[0] leads to "b.example"`}},
		{"private-use scheme", clients(v1alpha1.ClientAccess{RedirectHosts: []string{"cursor:"}}), v1alpha1.OAuthClientSpec{RedirectURIs: []string{"cursor://a/cb"}}, "", nil},
		{"S13 a scheme is no host", clients(v1alpha1.ClientAccess{RedirectHosts: []string{"com.example.app:"}}), v1alpha1.OAuthClientSpec{RedirectURIs: []string{"https://com.example.app/cb"}}, v1alpha1.ReasonRedirectHostNotAllowed,
			[]string{`leads to "com.example.app"`}},
		{"S13 a host is no scheme", clients(v1alpha1.ClientAccess{RedirectHosts: []string{"com.example.app", "*.example.app"}}), v1alpha1.OAuthClientSpec{RedirectURIs: []string{"com.example.app:/cb"}}, v1alpha1.ReasonRedirectHostNotAllowed,
			[]string{`leads to "com.example.app:"`}},
		{"no host", clients(v1alpha1.ClientAccess{}), v1alpha1.OAuthClientSpec{RedirectURIs: []string{"http://127.0.0.1/cb"}}, v1alpha1.ReasonRedirectHostNotAllowed, []string{`"127.0.0.1"`}},
		{"no redirect URI at all", clients(v1alpha1.ClientAccess{}), v1alpha1.OAuthClientSpec{RedirectURIs: []string{"javascript:x"}}, "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			as := &v1alpha1.AuthorizationServer{}
			as.Spec.Registration.PrivateUseSchemes = []string{"cursor"}
			oac := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "app"}, Spec: tc.spec}
			p := &pass{client: oac, as: as, serverKey: someServer, rights: given(tc.specs...), hosts: redirectHosts(oac, as)}
			got := denied(p, len(tc.specs) == 0)
			if (got == nil) != (tc.want == "") || got != nil && (got.reason != tc.want || !got.stalled) {
				t.Fatalf("%+v, want %q", got, tc.want)
			}
			for _, words := range tc.words {
				if !strings.Contains(got.message, words) {
					t.Errorf("the message %q does not say %q", got.message, words)
				}
			}
		})
	}
}
