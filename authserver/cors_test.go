package authserver_test

import (
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

func TestPagesOfOtherOrigins(t *testing.T) {
	w := newPeople(t)
	const page, stranger = "https://spa.example", "https://stranger.example"
	spa := w.MustRegister(t, authtest.NewClient("spa", authtest.WithCode("openid read", api), authtest.Public, func(r *oauth.Registration) { r.Origins = []string{page} }))
	mustSelfRegister(t, w.Server, `{"redirect_uris":["https://self.example/cb","http://127.0.0.1:7777/cb"]}`)
	allowed := func(a authtest.Answer) string { return a.Header.Get("Access-Control-Allow-Origin") }
	preflight := func(path, origin string) authtest.Answer {
		return w.Do(t, http.MethodOptions, path, "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
	}
	for _, path := range []string{"/oauth/token", "/oauth/revoke", "/userinfo"} {
		for origin, status := range map[string]int{page: 204, "https://self.example": 204, "http://127.0.0.1:7777": 204, stranger: 405, "null": 405, page + "/": 405, "https://SPA.example": 405} {
			a := preflight(path, origin)
			want := origin
			if status != 204 {
				want = ""
			}
			if a.Status != status || allowed(a) != want || a.Header.Get("Access-Control-Allow-Credentials") != "" || a.Header.Get("Vary") != "Origin" {
				t.Errorf("preflight of %s from %s: %d %v", path, origin, a.Status, a.Header)
			}
			if status == 204 && !(strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "Authorization") && strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), "POST")) {
				t.Errorf("preflight of %s: %v", path, a.Header)
			}
		}
	}
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration", "/.well-known/jwks.json"} {
		if a := w.Do(t, http.MethodGet, path, "", "Origin", stranger); a.Status != 200 || allowed(a) != "*" {
			t.Errorf("%s: %d %v", path, a.Status, a.Header)
		}
		if a := w.Do(t, http.MethodOptions, path, "", "Origin", stranger, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "mcp-protocol-version"); a.Status != 204 || allowed(a) != "*" {
			t.Errorf("preflight of %s: %d %v", path, a.Status, a.Header)
		}
	}
	for _, path := range []string{"/oauth/introspect", "/oauth/register", "/oauth/authorize", "/registrar/v1/inventory"} {
		if a := preflight(path, page); a.Status != 405 || allowed(a) != "" {
			t.Errorf("preflight of %s: %d %v", path, a.Status, a.Header)
		}
	}
	access, refresh := w.tokens(t, spa, "resource", api)
	from := func(origin, path string, c authtest.Client, form ...string) authtest.Answer {
		v := values(form...)
		v.Set("client_id", c.Registration.ClientID)
		return w.Do(t, http.MethodPost, path, v.Encode(), "Content-Type", formType, "Origin", origin)
	}
	if a := from(page, "/oauth/token", spa, "grant_type", "refresh_token", "refresh_token", refresh); a.Status != 200 || allowed(a) != page {
		t.Errorf("refresh: %d %v %s", a.Status, a.Header, a.Body)
	}
	if a := from(page, "/oauth/token", spa, "grant_type", "refresh_token", "refresh_token", "x"); a.Status != 400 || allowed(a) != page {
		t.Errorf("an error is readable too: %d %v", a.Status, a.Header)
	}
	if a := from(page, "/oauth/token", w.public, "grant_type", "refresh_token", "refresh_token", "x"); allowed(a) != "" {
		t.Errorf("another client's page: %v", a.Header)
	}
	if a := w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+access, "Origin", page); a.Status != 200 || allowed(a) != page {
		t.Errorf("userinfo: %d %v %s", a.Status, a.Header, a.Body)
	}
	if a := from(page, "/oauth/revoke", spa, "token", access); a.Status != 200 || allowed(a) != page {
		t.Errorf("revoke: %d %v", a.Status, a.Header)
	}
}
