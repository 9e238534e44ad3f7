package authserver_test

import (
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

// payroll is an API whose policies name no client of these tests.
const payroll = "https://payroll.example"

// wantIssuer wants a token answer of user ada whose access token is for the issuer and has
// this scope.
func (w *world) wantIssuer(t *testing.T, rule string, a authtest.Answer, scope string) {
	t.Helper()
	if a.Status != http.StatusOK || a.Member("scope") != scope {
		t.Fatalf("%s: %d %s, want scope %q", rule, a.Status, a.Body, scope)
	}
	if c := claims(t, w.Issuer, w.Issuer, a.Member("access_token")); c["sub"] != "user/ada" {
		t.Errorf("%s: sub %v", rule, c["sub"])
	}
	if u := w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+a.Member("access_token")); u.Status != http.StatusOK || u.Member("sub") != "user/ada" {
		t.Errorf("%s: userinfo %d %s", rule, u.Status, u.Body)
	}
}

func wantError(t *testing.T, rule string, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: error %q, want %s", rule, got, want)
	}
}

// TestS2NoTokenForAnAPIThatGrantsNothing: scopes of OpenID Connect alone are no way to a
// token with the audience of an API. RFC 9068, Section 3; RFC 8707, Section 2.
func TestS2NoTokenForAnAPIThatGrantsNothing(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		w.MustPutPolicy(t, authtest.Policy("p2", payroll, "salaries"))
		w.SetUsers(t, authtest.Person{Username: "ada"})
		spy := w.MustRegister(t, authtest.NewClient("spy", authtest.WithCode("openid profile", payroll, "https://undeclared.example")))
		b := w.NewBrowser(t)
		a := w.MustExchange(t, spy, w.Code(t, b, spy, "ada"))
		w.wantIssuer(t, "no resource named", a, "openid profile")
		for _, resource := range []string{payroll, "https://undeclared.example"} {
			p := b.Complete(t, b.Get(t, w.AuthorizeURL(spy, "resource", resource)), "ada")
			wantError(t, "authorize, "+resource, p.Callback.Get("error"), "invalid_target")
			a := w.Exchange(t, spy, w.Code(t, b, spy, "ada"), "resource", resource)
			wantError(t, "exchange, "+resource, a.Error(), "invalid_target")
			a = w.Refresh(t, spy, w.MustExchange(t, spy, w.Code(t, b, spy, "ada")).Member("refresh_token"), "resource", resource)
			wantError(t, "refresh, "+resource, a.Error(), "invalid_target")
		}
		w.wantIssuer(t, "refresh", w.Refresh(t, spy, a.Member("refresh_token")), "openid profile")
	})
}

// TestS2AStrangersClientAtTheDefaultResource: the same for a client that registered itself.
func TestS2AStrangersClientAtTheDefaultResource(t *testing.T) {
	w := newPeople(t, authtest.Config{Settings: endpoint.Settings{DefaultResource: payroll}})
	c := w.registered(t, "", stranger)
	redeem := func(code string, form ...string) authtest.Answer {
		return w.post(t, "/oauth/token", append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", stranger,
			"client_id", c.Registration.ClientID, "code_verifier", authtest.Verifier}, form...)...)
	}
	b := w.NewBrowser(t)
	a := redeem(w.Code(t, b, c, "ada", "redirect_uri", stranger, "scope", "openid"))
	if a.Status != http.StatusOK || a.Member("scope") != "openid" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	claims(t, w.Issuer, w.Issuer, a.Member("access_token"))
	p := b.Complete(t, b.Get(t, w.AuthorizeURL(c, "redirect_uri", stranger, "scope", "openid", "resource", payroll)), "ada")
	if p.Callback.Get("code") != "" || !strings.Contains(p.Body, "invalid_target") { // no redirect to a stranger's page
		t.Errorf("named: %d %s", p.Status, p.URL)
	}
	a = redeem(w.Code(t, b, c, "ada", "redirect_uri", stranger, "scope", "openid"), "resource", payroll)
	wantError(t, "exchange", a.Error(), "invalid_target")
}

// TestS2ResourcesOfOneRequest: a resource where nothing of the API is granted is none of
// the grant's, whatever the others give.
func TestS2ResourcesOfOneRequest(t *testing.T) {
	w := users(t, authtest.Config{})
	w.MustPutPolicy(t, authtest.Policy("p2", payroll, "salaries"))
	both := w.MustRegister(t, authtest.NewClient("both", authtest.WithCode("openid orders.read", orders, payroll)))
	b := w.NewBrowser(t)
	authorize := w.AuthorizeURL(both, "resource", orders) + "&resource=" + payroll
	code := b.Complete(t, b.Get(t, authorize), "ada").Callback.Get("code")
	a := w.MustExchange(t, both, code)
	if c := claims(t, w.Issuer, orders, a.Member("access_token")); c["scope"] != "openid orders.read" {
		t.Errorf("at the API that grants: %v", c)
	}
	wantError(t, "refresh for the other", w.Refresh(t, both, a.Member("refresh_token"), "resource", payroll).Error(), "invalid_target")
}

// TestS2WhatIsLeftOfAGrant: where the scopes of the API go after consent, the token that
// is left is for the issuer.
func TestS2WhatIsLeftOfAGrant(t *testing.T) {
	lose := map[string]func(*testing.T, *world){
		"role lost": func(t *testing.T, w *world) { w.SetUsers(t, authtest.Person{Username: "ada"}) },
		"policy withdrawn": func(t *testing.T, w *world) {
			w.MustPutPolicy(t, authtest.Policy("p1", orders, "orders.read"))
		},
	}
	for rule, change := range lose {
		t.Run(rule, func(t *testing.T) {
			w := users(t, authtest.Config{})
			b := w.NewBrowser(t)
			ask := []string{"scope", "openid orders.admin", "resource", orders}
			h := w.MustExchange(t, w.web, w.Code(t, b, w.web, "ada", ask...))
			claims(t, w.Issuer, orders, h.Member("access_token"))
			code, named := w.Code(t, b, w.web, "ada", ask...), w.Code(t, b, w.web, "ada", ask...)
			narrowed := w.Refresh(t, w.web, h.Member("refresh_token"), "scope", "openid")
			w.wantIssuer(t, "narrowed to openid", narrowed, "openid")
			again := narrowed.Member("refresh_token")
			wantError(t, "narrowed to openid, named", w.Refresh(t, w.web, again, "scope", "openid", "resource", orders).Error(), "invalid_target")

			change(t, w)
			if a := w.introspect(t, w.web, h.Member("access_token")); a.JSON()["active"] != false {
				t.Errorf("introspection of the token for the API: %s", a.Body)
			}
			if a := w.introspect(t, w.web, again); a.Member("scope") != "openid" || a.Member("aud") != w.Issuer {
				t.Errorf("introspection of the refresh token: %s", a.Body)
			}
			wantError(t, "refresh, named", w.Refresh(t, w.web, again, "resource", orders).Error(), "invalid_target")
			wantError(t, "refresh by the scope's name", w.Refresh(t, w.web, again, "scope", "openid orders.admin").Error(), "invalid_scope")
			w.wantIssuer(t, "refresh", w.Refresh(t, w.web, again), "openid")
			w.wantIssuer(t, "code", w.Exchange(t, w.web, code), "openid")
			wantError(t, "code, named", w.Exchange(t, w.web, named, "resource", orders).Error(), "invalid_target")
			p := b.Get(t, w.AuthorizeURL(w.web, append(ask, "prompt", "none")...))
			wantError(t, "authorize, named", p.Callback.Get("error"), "invalid_target")
		})
	}
}

// TestS2PushedRequest: the same for a request that was pushed (RFC 9126).
func TestS2PushedRequest(t *testing.T) {
	w := users(t, authtest.Config{})
	spy := w.MustRegister(t, authtest.NewClient("spy", authtest.WithCode("openid", payroll), func(r *oauth.Registration) {
		r.TokenEndpointAuthMethod = oauth.AuthClientSecretPost
	}))
	b := w.NewBrowser(t)
	form := values("client_id", spy.Registration.ClientID, "client_secret", spy.Secret.Reveal(), "response_type", "code", "redirect_uri", authtest.Redirect,
		"scope", "openid", "resource", payroll, "code_challenge", authtest.Challenge(), "code_challenge_method", "S256")
	pushed := w.Do(t, http.MethodPost, "/oauth/par", form.Encode(), "Content-Type", formType)
	if pushed.Status != http.StatusCreated {
		wantError(t, "pushed", pushed.Error(), "invalid_target")
		return
	}
	query := values("client_id", spy.Registration.ClientID, "request_uri", pushed.Member("request_uri")).Encode()
	p := b.Complete(t, b.Get(t, w.URL+"/oauth/authorize?"+query), "ada")
	wantError(t, "authorize", p.Callback.Get("error"), "invalid_target")
}

// TestS2ConsentAtAnAPIHoldsAtTheIssuer: an app that was allowed openid beside a scope of an
// API, and asks for openid alone later, gets a code without a page.
func TestS2ConsentAtAnAPIHoldsAtTheIssuer(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		b := w.NewBrowser(t)
		w.Code(t, b, w.web, "ada", "scope", "openid orders.read")
		if page := b.Get(t, w.URL+"/account"); strings.Count(page.Body, "Know that it is you") != 1 || strings.Contains(page.Body, ">"+w.Issuer+"<") {
			t.Errorf("the account page repeats it:\n%s", page.Body)
		}
		code := func(change ...string) (string, string) {
			p := b.Get(t, w.AuthorizeURL(w.web, append(change, "prompt", "none")...))
			return p.Callback.Get("code"), p.Callback.Get("error")
		}
		alone, problem := code("scope", "openid")
		wantError(t, "openid alone", problem, "")
		a := w.MustExchange(t, w.web, alone)
		w.wantIssuer(t, "openid alone", a, "openid")
		w.wantIssuer(t, "its refresh", w.Refresh(t, w.web, a.Member("refresh_token")), "openid")
		for rule, asked := range map[string][]string{
			"a scope that was not allowed":     {"scope", "openid profile"},
			"at the issuer, the same":          {"scope", "openid profile", "resource", w.Issuer},
			"another scope of the API":         {"scope", "openid orders.write"},
			"the API's scope, not yet allowed": {"scope", "orders.admin"},
		} {
			_, problem := code(asked...)
			wantError(t, rule, problem, "consent_required")
		}
		form := forms(b.Get(t, w.URL+"/account"))["withdraw "+w.web.Registration.ClientID]
		if p := (&people{Server: w.Server}).postPage(t, b, "/account/withdraw", form); p.Status != http.StatusOK {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		_, problem = code("scope", "openid")
		wantError(t, "withdrawn", problem, "consent_required")
	})
}
