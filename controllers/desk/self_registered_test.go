package desk

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/controllers/registrar"
	"clientele.dev/clientele/hack/testenv"
)

var adminRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "clientele-support-admin"}

func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

// A person with the role of config/install.yaml, and no other right, sees and revokes.
func TestSelfRegistered(t *testing.T) {
	w := newWorld(t)
	pat := w.person(t, adminRef)
	if out, notes, err := run(t, pat, "list"); err != nil || out != "" || !strings.Contains(notes, "No client registered itself.") {
		t.Errorf("none: %q %q %v", out, notes, err)
	}
	shop := w.register(t, `{"client_name": "My App", "redirect_uris": ["https://myapp.com/cb", "https://myapp.com/other", "https://other.example/cb"], "scope": "posts.read"}`)
	tool := w.register(t, `{"redirect_uris": ["http://127.0.0.1/cb"]}`)

	table := mustRun(t, pat, "list")
	contains(t, table, "CLIENT ID", shop, "My App", "myapp.com,other.example", "anybody", "never", tool, "127.0.0.1")
	if lines := strings.Count(table, "\n"); lines != 3 {
		t.Errorf("%d lines:\n%s", lines, table)
	}
	var list struct {
		Clients []oauth.SelfRegisteredClient `json:"clients"`
	}
	must(t, json.Unmarshal([]byte(mustRun(t, pat, "list", "-o", "json")), &list))
	if len(list.Clients) != 2 {
		t.Errorf("%+v", list)
	}
	contains(t, mustRun(t, pat, "show", shop), shop, "My App", "https://myapp.com/other", "posts.read", "anybody")
	var one oauth.SelfRegisteredClient
	must(t, json.Unmarshal([]byte(mustRun(t, pat, "show", shop, "-o", "json")), &one))
	if one.ClientID != shop || len(one.RedirectURIs) != 3 {
		t.Errorf("%+v", one)
	}

	must(t, w.store.PutFamily(t.Context(), store.Family{
		ID: "0123456789abcdef", Grant: store.Grant{ClientID: shop, Subject: "user/ada", Access: []store.Access{{Resource: "https://api.example"}}},
		Generation: 1, Created: time.Now(), Rotated: time.Now(), Expires: time.Now().Add(time.Hour), IdleExpires: time.Now().Add(time.Hour),
	}))
	must(t, w.store.AddConsent(t.Context(), store.Consent{ClientID: shop, Subject: "user/ada", Resource: "https://api.example", Scopes: []string{"posts.read"}, Granted: time.Now()}, time.Time{}))
	out := mustRun(t, pat, "revoke", tool, shop)
	contains(t, out, shop+": removed; ended with it: 1 token family (refresh and access tokens), the consents of 1 person\n",
		tool+": removed; ended with it: 0 token families (refresh and access tokens), the consents of 0 people\n")
	if held, err := w.store.Holdings(t.Context(), shop, time.Now()); err != nil || held != (store.Holdings{}) {
		t.Errorf("A19: it still holds %+v, %v", held, err)
	}
	contains(t, mustRun(t, pat, "revoke", shop), "there is no such client (any more)")
	if _, _, err := run(t, pat, "show", shop); err == nil || !strings.Contains(err.Error(), "no client "+shop+" registered itself") {
		t.Errorf("show: %v", err)
	}
}

// What cannot be done is told with what to do about it.
func TestRegistrationsSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	admin := testenv.Config()
	onlyGet := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reads-servers"}
	w.create(t, &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: onlyGet.Name},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"authorizationservers"}, Verbs: []string{"get"}}},
	})
	managed := authtest.NewClient("managed")
	var as v1alpha1.AuthorizationServer
	must(t, w.admin.Get(t.Context(), registrar.Key{Namespace: system, Name: "default"}, &as))
	operator := testenv.ServiceAccountToken(t, system, "clientele-operator", v1alpha1.RegistrarAudience(string(as.UID)))
	if a := w.SendJSON(t, http.MethodPost, "/oauth/register", operator, managed.Registration); a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	nobody := httptest.NewServer(nil)
	nobody.Close()
	stranger := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(stranger.Close)

	for rule, c := range map[string]struct {
		args []string
		says []string
	}{
		"no such server":      {[]string{"list", "--authorization-server", "clientele-system/other"}, []string{"There is no AuthorizationServer clientele-system/other", "kubectl get authorizationservers -A"}},
		"half a name":         {[]string{"list", "--authorization-server", "other"}, []string{`--authorization-server "other": want namespace/name`}},
		"no such account":     {[]string{"list", "--service-account", "clientele-system/nobody"}, []string{"There is no ServiceAccount clientele-system/nobody", "kubectl apply -k config"}},
		"account of no right": {[]string{"list", "--service-account", "clientele-system/clientele-server"}, []string{"403", "clientele-system/clientele-server needs RBAC verb manage on authorizationserver default", "Role clientele-support"}},
		"unreachable":         {[]string{"list", "--url", nobody.URL}, []string{nobody.URL + " cannot be reached from here", "kubectl -n clientele-system port-forward", "--url https://127.0.0.1:8443"}},
		"not secure":          {[]string{"list", "--url", "http://clientele.example"}, []string{"https only"}},
		"no URL":              {[]string{"list", "--url", "localhost:8443"}, []string{`--url "localhost:8443": want a URL`}},
		"another server":      {[]string{"list", "--url", stranger.URL}, []string{"404", "Does " + stranger.URL + " lead to the authorization server"}},
		"a managed client":    {[]string{"revoke", managed.Registration.ClientID}, []string{"client apps.managed: ", "delete its OAuthClient"}},
		"no client id":        {[]string{"revoke", "a b"}, []string{`"a b" is not a client id`}},
		"no format":           {[]string{"list", "-o", "yaml"}, []string{"want table or json"}},
	} {
		_, _, err := run(t, admin, c.args...)
		if err == nil {
			t.Errorf("%s: no error", rule)
			continue
		}
		contains(t, err.Error(), c.says...)
		if strings.Contains(err.Error(), "eyJ") {
			t.Errorf("%s: F36: a token is told: %v", rule, err)
		}
	}
	for want, role := range map[string]rbacv1.RoleRef{
		"It takes verb get on authorizationservers in namespace clientele-system":                                 {},
		"It takes verb create on serviceaccounts/token for clientele-support in namespace clientele-system; Role": onlyGet,
	} {
		if _, _, err := run(t, w.person(t, role), "list"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Behind a forwarded port the certificate is still held against the server's name.
func TestForwardedPort(t *testing.T) {
	h := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(oauth.SelfRegisteredList{Total: 7})
	}))
	t.Cleanup(h.Close)
	w := newWorld(t)
	bundle := &corev1.ConfigMap{Data: map[string]string{"ca.crt": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: h.Certificate().Raw}))}}
	bundle.Namespace, bundle.Name = system, "forwarded-port"
	must(t, w.admin.Create(t.Context(), bundle))
	t.Cleanup(func() { must(t, w.admin.Delete(context.Background(), bundle)) })
	for _, c := range []struct { // the certificate is for example.com
		issuer, registrars string
		ok                 bool
	}{
		{"https://example.com", "", true},
		{"https://another.test", "", false},
		{"https://another.test", "https://example.com:8444", true},
		{"https://example.com", "https://another.test:8444", false},
	} {
		as := &v1alpha1.AuthorizationServer{}
		as.UID, as.Spec.Issuer = "uid", c.issuer
		as.Namespace = system
		as.Spec.Unmanaged = &v1alpha1.UnmanagedServer{RegistrarURL: c.registrars, CABundleRef: &v1alpha1.CABundleReference{Kind: v1alpha1.CABundleConfigMap, Name: bundle.Name}}
		o := registrar.Options{Bundles: registrar.ReadBundles{Client: w.admin}, Tokens: registrar.ServiceAccount{Client: w.admin, Namespace: system, Name: "clientele-support", Lifetime: tokenLifetime}, Now: time.Now}
		as, err := elsewhere(as, &o, h.URL+"/")
		must(t, err)
		n, err := registrar.NewServers(o).For(as).SelfRegistered(t.Context())
		if c.ok && (err != nil || n != 7) || !c.ok && (err == nil || !strings.Contains(err.Error(), "another.test")) {
			t.Errorf("%+v: %d, %v", c, n, err)
		}
	}
}

// TestHowToForwardThePort: the advice is what works for this server.
func TestHowToForwardThePort(t *testing.T) {
	for want, spec := range map[string]v1alpha1.AuthorizationServerSpec{
		"port-forward service/clientele-default-registrar 8444\n  clientele people ... --url https://127.0.0.1:8444": {Type: v1alpha1.AuthorizationServerManaged},
		"port-forward <the server's Pod or Service> 8443\n  clientele people ... --url https://127.0.0.1:8443":       {Unmanaged: &v1alpha1.UnmanagedServer{URL: "https://as.example"}},
		"port-forward <the server's Pod or Service> 9444\n  clientele people ... --url https://127.0.0.1:9444":       {Unmanaged: &v1alpha1.UnmanagedServer{RegistrarURL: "https://as.example:9444"}},
	} {
		as := &v1alpha1.AuthorizationServer{Spec: spec}
		as.Namespace, as.Name = system, "default"
		c := connection{url: registrar.URL(as), object: registrar.Key{Namespace: as.Namespace, Name: as.Name}, forward: forwardable(as), command: "people"}
		if err := c.explain(registrar.ErrUnreachable); !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), registrar.URL(as)+" cannot be reached") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
