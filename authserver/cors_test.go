package authserver_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

func TestPagesOfOtherOrigins(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	const page, stranger = "https://spa.example", "https://stranger.example"
	spa := w.MustRegister(t, authtest.NewClient("spa", authtest.WithCode("openid read", api), authtest.Public, func(r *oauth.Registration) { r.Origins = []string{page} }))
	mustSelfRegister(t, w.Server, `{"redirect_uris":["https://self.example/cb","http://127.0.0.1:7777/cb"]}`)
	allowed := func(a authtest.Answer) string { return a.Header.Get("Access-Control-Allow-Origin") }
	preflight := func(path, origin string) authtest.Answer {
		return w.Do(t, http.MethodOptions, path, "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type")
	}
	for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/par", "/userinfo"} {
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
	for _, path := range []string{"/oauth/introspect", "/oauth/authorize", "/registrar/v1/inventory"} {
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

func TestPagesRegisterWhereAnybodyMay(t *testing.T) {
	const page = "https://mcp.example"
	s := authtest.Start(t, open(authtest.Config{}))
	allowed := func(a authtest.Answer) string { return a.Header.Get("Access-Control-Allow-Origin") }
	preflight := func(path, method string) authtest.Answer {
		return s.Do(t, http.MethodOptions, path, "", "Origin", page, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version")
	}
	fromPage := func(method, path, token, body string) authtest.Answer {
		header := []string{"Origin", page, "Content-Type", "application/json"}
		if token != "" {
			header = append(header, "Authorization", "Bearer "+token)
		}
		return s.Do(t, method, path, body, header...)
	}
	if a := preflight("/oauth/register", "POST"); a.Status != 204 || allowed(a) != "*" || a.Header.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), "POST") {
		t.Errorf("preflight: %d %v", a.Status, a.Header)
	}
	a := fromPage(http.MethodPost, "/oauth/register", "", seed1)
	if a.Status != 201 || allowed(a) != "*" {
		t.Fatalf("register: %d %v %s", a.Status, a.Header, a.Body)
	}
	uri, token := "/oauth/register/"+a.Member("client_id"), a.Member("registration_access_token")
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if a := preflight(uri, method); a.Status != 204 || allowed(a) != "*" || !strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), method) {
			t.Errorf("preflight of %s: %d %v", method, a.Status, a.Header)
		}
	}
	if a := fromPage(http.MethodGet, uri, "", ""); a.Status != 401 || allowed(a) != "*" {
		t.Errorf("A10 without the token: %d %v", a.Status, a.Header)
	}
	if a := fromPage(http.MethodPost, "/oauth/register", "", `{}`); a.Status != 400 || allowed(a) != "*" {
		t.Errorf("a refusal is readable: %d %v", a.Status, a.Header)
	}
	// A form of another page needs no preflight: it does not register.
	if a := s.Do(t, http.MethodPost, "/oauth/register", seed1, "Origin", page, "Content-Type", "text/plain"); a.Status != 400 {
		t.Errorf("text/plain: %d %s", a.Status, a.Body)
	}
	for _, mode := range []endpoint.RegistrationMode{endpoint.RegistrationAuthenticated, endpoint.RegistrationDisabled} {
		s.Settings.Registration.Mode = mode
		s.Reload(t)
		for path, method := range map[string]string{"/oauth/register": "POST", uri: "GET"} {
			if a := preflight(path, method); a.Status != 405 || allowed(a) != "" {
				t.Errorf("%s, preflight of %s: %d %v", mode, path, a.Status, a.Header)
			}
		}
		if a := fromPage(http.MethodGet, uri, token, ""); a.Status != 200 || allowed(a) != "" {
			t.Errorf("%s: %d %v", mode, a.Status, a.Header)
		}
	}
}

func TestPagesOfOtherOriginsPush(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	const page = "https://spa.example"
	spa := w.MustRegister(t, authtest.NewClient("spa", authtest.WithCode("openid"), authtest.Public, func(r *oauth.Registration) { r.Origins = []string{page} }))
	push := func(c authtest.Client) authtest.Answer {
		u, _ := url.Parse(w.AuthorizeURL(c))
		return w.Do(t, http.MethodPost, "/oauth/par", u.RawQuery, "Content-Type", formType, "Origin", page)
	}
	if a := push(spa); a.Status != 201 || a.Header.Get("Access-Control-Allow-Origin") != page {
		t.Errorf("%d %v %s", a.Status, a.Header, a.Body)
	}
	if a := push(w.public); a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another client's page: %d %v", a.Status, a.Header)
	}
}
