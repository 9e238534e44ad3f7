package authserver_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// holdings is everything that ada's browser and the app hold at one moment.
type holdings struct {
	b                             *authtest.Browser
	access, refresh, code, pushed string
	consent                       authtest.Page
}

func (w *world) hold(t *testing.T) holdings {
	t.Helper()
	h := holdings{b: w.NewBrowser(t)}
	scope := []string{"scope", "openid orders.admin"}
	tokens := w.MustExchange(t, w.web, w.Code(t, h.b, w.web, "ada", scope...))
	h.access, h.refresh = tokens.Member("access_token"), tokens.Member("refresh_token")
	h.code = w.Code(t, h.b, w.web, "ada", scope...)
	h.consent = h.b.Get(t, w.AuthorizeURL(w.web, "scope", "openid orders.admin orders.read"))
	if !h.consent.AsksConsent() {
		t.Fatalf("no consent page: %d %s", h.consent.Status, h.consent.URL)
	}
	form, _ := url.Parse(w.AuthorizeURL(w.web, "scope", "orders.admin", "client_secret", w.web.Secret.Reveal()))
	pushed := w.Do(t, http.MethodPost, "/oauth/par", form.RawQuery, "Content-Type", formType)
	if h.pushed = pushed.Member("request_uri"); h.pushed == "" {
		t.Fatalf("push: %d %s", pushed.Status, pushed.Body)
	}
	return h
}

// TestA11A19WhatEndedIsRefusedOnEveryPath: whatever is taken away is taken away from
// what is on its way too, whichever door it comes to.
func TestA11A19WhatEndedIsRefusedOnEveryPath(t *testing.T) {
	for _, c := range []struct {
		ended  string
		change func(t *testing.T, w *world)
		// client: it may not call any more.
		client bool
	}{
		{"disabled client", func(t *testing.T, w *world) {
			w.change(t, w.web, func(r *oauth.Registration) { r.Managed.Disabled = true })
		}, true},
		{"disabled user", func(t *testing.T, w *world) {
			w.SetUsers(t, authtest.Person{Username: "ada", Roles: []string{"admin"}, Disabled: true})
		}, false},
		{"removed user", func(t *testing.T, w *world) { w.SetUsers(t, authtest.Person{Username: "bob"}) }, false},
		{"withdrawn policy", func(t *testing.T, w *world) {
			w.change(t, w.web, func(r *oauth.Registration) { r.Scope = "orders.read orders.admin" }) // without openid
			w.withdrawPolicy(t)
		}, false},
		{"the resource is another client's now", func(t *testing.T, w *world) {
			w.change(t, w.web, func(r *oauth.Registration) { r.Managed.Resources = []string{"https://payroll.example"} })
		}, false},
		{"a new incarnation of the client", func(t *testing.T, w *world) {
			w.Pass(t, 2*time.Second)
			w.change(t, w.web, func(r *oauth.Registration) { r.Managed.Owner.UID, r.Managed.Counter = "uid-new", 2 })
		}, true},
	} {
		t.Run(c.ended, func(t *testing.T) {
			w := users(t, authtest.Config{})
			h := w.hold(t)
			c.change(t, w)
			want := "invalid_grant"
			if c.client {
				want = ""
			}
			for path, a := range map[string]authtest.Answer{"refresh": w.Refresh(t, w.web, h.refresh), "code": w.Exchange(t, w.web, h.code)} {
				if a.Status == http.StatusOK || want != "" && a.Error() != want {
					t.Errorf("%s: %d %s", path, a.Status, a.Body)
				}
			}
			for _, token := range []string{h.access, h.refresh} {
				if a := w.introspect(t, w.web, token); a.JSON()["active"] == true {
					t.Errorf("introspection: %d %s", a.Status, a.Body)
				}
			}
			if a := w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+h.access); a.Status != http.StatusUnauthorized {
				t.Errorf("userinfo: %d %s", a.Status, a.Body)
			}
			if p := h.b.Submit(t, h.consent, "decision", "allow"); p.Callback.Get("code") != "" {
				t.Errorf("the consent form that was open: %s", p.URL)
			}
			pushed := w.Issuer + "/oauth/authorize?client_id=apps.web&request_uri=" + url.QueryEscape(h.pushed)
			if p := h.b.Get(t, pushed); p.Callback.Get("code") != "" {
				t.Errorf("the pushed request: %s", p.URL)
			}
		})
	}
}

func TestA11ARoleTakenAwayLeavesTheTokensThatAreOut(t *testing.T) {
	w := users(t, authtest.Config{})
	h := w.hold(t)
	before := w.introspect(t, w.web, h.access)
	if before.Member("scope") != "openid orders.admin" || before.JSON()["roles"] == nil {
		t.Fatalf("before: %s", before.Body)
	}
	w.SetUsers(t, authtest.Person{Username: "ada"})
	// Nothing of the API is left, so the token for it is inactive; refresh gives one for
	// the issuer (FIELD S2).
	if a := w.introspect(t, w.web, h.access); a.JSON()["active"] != false {
		t.Errorf("access token: %s", a.Body)
	}
	if a := w.introspect(t, w.web, h.refresh); a.Member("scope") != "openid" || a.JSON()["roles"] != nil || a.Member("aud") != w.Issuer {
		t.Errorf("refresh token: %s", a.Body)
	}
	if a := w.Exchange(t, w.web, h.code); a.Member("scope") != "openid" || claims(t, w.Issuer, w.Issuer, a.Member("access_token"))["sub"] != "user/ada" {
		t.Errorf("code: %d %s", a.Status, a.Body)
	}
	if p := h.b.Submit(t, h.consent, "decision", "allow"); p.Callback.Get("code") != "" {
		t.Errorf("the consent form said more than there is now: %s", p.URL)
	}
	pushed := w.Issuer + "/oauth/authorize?client_id=apps.web&request_uri=" + url.QueryEscape(h.pushed)
	if p := h.b.Get(t, pushed); p.Callback.Get("error") != "invalid_scope" {
		t.Errorf("the pushed request: %s", p.URL)
	}
}

func TestA11APolicyWithdrawnEndsTheTokensOfMachines(t *testing.T) {
	w := users(t, authtest.Config{})
	machine := w.MustRegister(t, authtest.NewClient("machine", withPost, func(r *oauth.Registration) {
		r.Scope, r.Managed.Resources = "orders.read orders.write", []string{orders}
	}))
	token := w.MustToken(t, machine)
	w.wantActive(t, machine, token, true)
	w.change(t, machine, func(r *oauth.Registration) { r.Scope = "orders.write" })
	if a := w.introspect(t, machine, token); a.Member("scope") != "orders.write" {
		t.Errorf("a scope that the client gave back: %s", a.Body)
	}
	w.withdrawPolicy(t)
	w.wantActive(t, machine, token, false)
}
