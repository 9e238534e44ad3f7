package authserver_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
)

func allowedOrigin(a authtest.Answer) string { return a.Header.Get("Access-Control-Allow-Origin") }

// preflight asks as a browser does before a page's request.
func preflight(t *testing.T, s *authtest.Server, path, origin, method, headers string) authtest.Answer {
	t.Helper()
	return s.Do(t, http.MethodOptions, path, "", "Origin", origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", headers)
}

// readable are the routes that pages of any origin may call, each with a method.
var readable = map[string]string{
	"/oauth/token": "POST", "/oauth/revoke": "POST", "/oauth/introspect": "POST", "/oauth/par": "POST",
	"/userinfo": "GET", "/.well-known/oauth-authorization-server": "GET", "/.well-known/openid-configuration": "GET", "/.well-known/jwks.json": "GET",
}

// pagesOnly are the others.
var pagesOnly = []string{
	"/oauth/authorize", "/oauth/continue", "/oauth/logout", "/account", "/account/signout", "/account/upstream/x",
	"/oauth/upstream/x", "/oauth/callback/x", "/oauth/logo/x", "/assets/x", "/healthz", "/readyz",
	"/registrar/v1/inventory", "/registrar/v1/changes", "/registrar/v1/replicas", "/registrar/v1/people",
	"/registrar/v1/people/x", "/registrar/v1/self-registered", "/registrar/v1/self-registered/x", "/registrar/v1/resources/x",
}

func TestB4PagesOfAnyOriginMayCallWhatLooksAtNoCookie(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	const tracing = "authorization,baggage,content-type,mcp-protocol-version,sentry-trace,traceparent,x-anything"
	for _, origin := range []string{"http://localhost:5173", "https://app.example", "null"} {
		for path, method := range readable {
			a := preflight(t, w.Server, path, origin, method, tracing)
			if a.Status != 204 || allowedOrigin(a) != "*" || a.Header.Get("Access-Control-Allow-Headers") != tracing || a.Header.Get("Access-Control-Max-Age") == "" ||
				!slices.Contains(strings.Split(a.Header.Get("Access-Control-Allow-Methods"), ", "), method) || a.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("preflight of %s from %s: %d %v", path, origin, a.Status, a.Header)
			}
			a = w.Do(t, method, path, "", "Origin", origin)
			if allowedOrigin(a) != "*" || !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "WWW-Authenticate") || a.Header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s: %d %v", path, origin, a.Status, a.Header)
			}
			if a = w.Do(t, http.MethodPatch, path, "", "Origin", origin); a.Status != 405 || allowedOrigin(a) != "*" {
				t.Errorf("PATCH %s from %s: %d %v", path, origin, a.Status, a.Header)
			}
		}
		for _, path := range pagesOnly {
			if a := preflight(t, w.Server, path, origin, "GET", tracing); a.Status != 405 || hasCORS(a) {
				t.Errorf("preflight of %s: %d %v", path, a.Status, a.Header)
			}
			if a := w.Do(t, http.MethodGet, path, "", "Origin", origin); hasCORS(a) {
				t.Errorf("%s: %d %v", path, a.Status, a.Header)
			}
		}
	}
	if a := w.Do(t, http.MethodOptions, "/oauth/token", ""); a.Status != 405 {
		t.Errorf("OPTIONS without an origin: %d", a.Status)
	}
}

func hasCORS(a authtest.Answer) bool {
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			return true
		}
	}
	return false
}

// What pages of any origin may call answers a signed-in browser as it answers anybody.
func TestB4WhatPagesMayCallLooksAtNoCookie(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	b := w.NewBrowser(t)
	w.Code(t, b, w.app, "ada")
	home, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	var cookies []string
	for _, c := range b.Jar.Cookies(home) {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if len(cookies) == 0 {
		t.Fatal("the browser is not signed in")
	}
	for path, method := range readable {
		with := w.Do(t, method, path, "", "Content-Type", formType, "Cookie", strings.Join(cookies, "; "))
		without := w.Do(t, method, path, "", "Content-Type", formType)
		if with.Status != without.Status || with.Body != without.Body || len(with.Header.Values("Set-Cookie")) > 0 {
			t.Errorf("%s: %d %s with the cookies, %d %s without", path, with.Status, with.Body, without.Status, without.Body)
		}
	}
}

func TestB4ABrowserOnlyAppReadsAnswersAndErrors(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	const page = "http://localhost:5173"
	access, refresh := w.tokens(t, w.public, "resource", api)
	from := func(path string, form ...string) authtest.Answer {
		v := values(form...)
		v.Set("client_id", w.public.Registration.ClientID)
		return w.Do(t, http.MethodPost, path, v.Encode(), "Content-Type", formType, "Origin", page)
	}
	for name, c := range map[string]struct {
		status int
		answer authtest.Answer
	}{
		"refreshed":              {200, from("/oauth/token", "grant_type", "refresh_token", "refresh_token", refresh)},
		"refresh token unknown":  {400, from("/oauth/token", "grant_type", "refresh_token", "refresh_token", "x")},
		"userinfo":               {200, w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+access, "Origin", page)},
		"userinfo without right": {401, w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer x", "Origin", page)},
		"too large":              {413, from("/oauth/token", "x", strings.Repeat("x", 1<<17))},
		"revoked":                {200, from("/oauth/revoke", "token", refresh)},
	} {
		if c.answer.Status != c.status || allowedOrigin(c.answer) != "*" {
			t.Errorf("%s: %d %v %s", name, c.answer.Status, c.answer.Header, c.answer.Body)
		}
	}
}

// B4: a page can read the 503 of a server that is starting, or cannot issue.
func TestB4PreflightsDoNotDependOnHealth(t *testing.T) {
	s := authtest.Start(t, authtest.Config{Bare: true})
	for path, method := range map[string]string{"/oauth/token": "POST", "/userinfo": "GET", "/oauth/register": "POST", "/.well-known/jwks.json": "GET"} {
		if a := preflight(t, s, path, "https://app.example", method, "traceparent"); a.Status != 204 || allowedOrigin(a) != "*" {
			t.Errorf("preflight of %s: %d %v", path, a.Status, a.Header)
		}
		if a := s.Do(t, method, path, "", "Origin", "https://app.example"); a.Status != 503 || allowedOrigin(a) != "*" || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %v", path, a.Status, a.Header)
		}
	}
}

func TestB4PagesRegisterWhereAnybodyMay(t *testing.T) {
	const page = "https://mcp.example"
	s := authtest.Start(t, open(authtest.Config{}))
	fromPage := func(method, path, token, body string) authtest.Answer {
		header := []string{"Origin", page, "Content-Type", "application/json"}
		if token != "" {
			header = append(header, "Authorization", "Bearer "+token)
		}
		return s.Do(t, method, path, body, header...)
	}
	a := fromPage(http.MethodPost, "/oauth/register", "", seed1)
	if a.Status != 201 || allowedOrigin(a) != "*" {
		t.Fatalf("register: %d %v %s", a.Status, a.Header, a.Body)
	}
	uri, token := "/oauth/register/"+a.Member("client_id"), a.Member("registration_access_token")
	for _, method := range []string{"POST /oauth/register", "GET " + uri, "PUT " + uri, "DELETE " + uri} {
		method, path, _ := strings.Cut(method, " ")
		a := preflight(t, s, path, page, method, "authorization,content-type,mcp-protocol-version,traceparent")
		if a.Status != 204 || allowedOrigin(a) != "*" || !strings.Contains(a.Header.Get("Access-Control-Allow-Methods"), method) ||
			!strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "traceparent") || a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("preflight of %s %s: %d %v", method, path, a.Status, a.Header)
		}
	}
	if a := fromPage(http.MethodGet, uri, "", ""); a.Status != 401 || allowedOrigin(a) != "*" {
		t.Errorf("A10 without the token: %d %v", a.Status, a.Header)
	}
	if a := fromPage(http.MethodPost, "/oauth/register", "", `{}`); a.Status != 400 || allowedOrigin(a) != "*" {
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
			if a := preflight(t, s, path, page, method, "authorization"); a.Status != 405 || hasCORS(a) {
				t.Errorf("%s, preflight of %s: %d %v", mode, path, a.Status, a.Header)
			}
		}
		if a := fromPage(http.MethodGet, uri, token, ""); a.Status != 200 || hasCORS(a) {
			t.Errorf("%s: %d %v", mode, a.Status, a.Header)
		}
	}
}
