package authserver_test

import (
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// TestB27SubjectsThatAppsCanHandOn: proxies such as oauth2-proxy hand a `sub` on as the user
// name of HTTP Basic, which has no colon (RFC 7617, Section 2). No client can have it
// (RFC 9068, Section 5).
func TestB27SubjectsThatAppsCanHandOn(t *testing.T) {
	w := startWork(t)
	local := claims(t, w.Issuer, orders, w.MustExchange(t, w.web, w.Code(t, w.NewBrowser(t), w.web, "ada")).Member("access_token"))["sub"].(string)
	upstream := claims(t, w.Issuer, orders, w.MustExchange(t, w.web, w.code(t, w.NewBrowser(t), w.web, "openid orders.read")).Member("access_token"))["sub"].(string)
	if local != "user/ada" || !strings.HasPrefix(upstream, "user/oidc/") {
		t.Fatalf("sub %q and %q", local, upstream)
	}
	for _, sub := range []string{local, upstream} {
		r, err := http.NewRequest(http.MethodGet, "https://app.example", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(sub, "password")
		if user, password, _ := r.BasicAuth(); user != sub || password != "password" {
			t.Errorf("%s is handed on as user %q, password %q", sub, user, password)
		}
		c := authtest.NewClient("impostor", func(r *oauth.Registration) { r.ClientID = sub })
		if a := w.Register(t, c.Registration); a.Error() != "invalid_client_metadata" {
			t.Errorf("a client called %s: %d %s", sub, a.Status, a.Body)
		}
		// A slash in a URL, as it is and escaped.
		for _, path := range []string{"/" + sub, "/" + strings.ReplaceAll(sub, "/", "%2F")} {
			if shown := asRegistrar[oauth.Person](t, w.Server, http.MethodGet, path); shown.Subject != sub || len(shown.Apps) != 1 {
				t.Errorf("%s: %+v", path, shown)
			}
		}
	}
	for _, path := range []string{"/user/", "/user", "/user/a/b", "/user/..", "/user/oidc/", "/other/ada", "/user:ada"} {
		a := w.SendText(t, http.MethodDelete, "/registrar/v1/people"+path, authtest.RegistrarToken, "")
		if a.Status != http.StatusBadRequest && a.Status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	if a := w.Do(t, http.MethodGet, "/oauth/register/a/b", ""); a.Status != http.StatusNotFound {
		t.Errorf("another route takes a path with slashes: %d %s", a.Status, a.Body)
	}
	refreshed := w.Refresh(t, w.web, w.MustExchange(t, w.web, w.Code(t, w.NewBrowser(t), w.web, "ada")).Member("refresh_token"))
	if told := w.introspect(t, w.web, refreshed.Member("access_token")); told.Member("sub") != local {
		t.Errorf("introspected: %s", told.Body)
	}
}
