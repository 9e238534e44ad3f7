package authserver_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

// payroll is an API whose policies name no client of these tests but apps.paid.
const payroll = "https://payroll.example"

// newPayroll is a world with an API whose policy names the client apps.paid alone, and a
// resource server of it.
func newPayroll(t *testing.T, on authtest.Config) (*world, authtest.Client) {
	t.Helper()
	w := users(t, on)
	p := authtest.Policy("payroll", payroll, "pay.read")
	p.Allow[0].ClientSelector = &policy.Selector{MatchLabels: map[string]string{"paid": "yes"}}
	p.ResourceServers = []policy.ResourceServer{{Namespace: "apps", Name: "rs"}}
	w.MustPutPolicy(t, p)
	return w, w.MustRegister(t, authtest.NewClient("rs", withScopes("orders.read", orders), withPost))
}

const identity = "openid profile email offline_access"

func (w *world) pushAs(t *testing.T, c authtest.Client, change ...string) authtest.Answer {
	t.Helper()
	asked, err := url.Parse(w.AuthorizeURL(c, append(change, "client_secret", c.Secret.Reveal())...))
	if err != nil {
		t.Fatal(err)
	}
	return w.Do(t, http.MethodPost, "/oauth/par", asked.RawQuery, "Content-Type", formType)
}

// wantForIssuer wants an access token for the issuer, with which UserInfo answers.
func (w *world) wantForIssuer(t *testing.T, what string, a authtest.Answer) {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", what, a.Status, a.Body)
	}
	if c := claims(t, w.Issuer, w.Issuer, a.Member("access_token")); c["aud"] != w.Issuer {
		t.Errorf("%s: aud %v", what, c["aud"])
	}
	told := w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+a.Member("access_token"))
	if told.Status != http.StatusOK || told.Member("sub") != "user/ada" {
		t.Errorf("%s: userinfo: %d %s", what, told.Status, told.Body)
	}
}

// TestS2IdentityScopesOpenNoAPI: a client that no policy names gets no token with the API
// as its audience, whatever it asks for and wherever.
func TestS2IdentityScopesOpenNoAPI(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w, rs := newPayroll(t, on)
		app := w.MustRegister(t, authtest.NewClient("app", authtest.WithCode(identity+" pay.read", payroll), withPost))
		b := w.NewBrowser(t)
		for rule, scope := range map[string]string{
			"openid": "openid", "all of OpenID Connect": identity, "offline_access": "offline_access",
			"beside a scope that is denied": "openid pay.read", "all that is registered": "",
		} {
			if p := b.Get(t, w.AuthorizeURL(app, "scope", scope, "resource", payroll)); p.Callback.Get("error") != "invalid_target" || p.Callback.Get("iss") != w.Issuer {
				t.Errorf("%s, at authorize: %d %s", rule, p.Status, p.URL)
			}
			if a := w.pushAs(t, app, "scope", scope, "resource", payroll); a.Status != http.StatusBadRequest || a.Error() != "invalid_target" {
				t.Errorf("%s, pushed: %d %s", rule, a.Status, a.Body)
			}
		}
		w.Code(t, b, app, "ada", "scope", "openid profile") // she allows it, at the issuer
		code := func() string { return w.Code(t, b, app, "ada", "scope", "openid profile") }
		first := w.MustExchange(t, app, code())
		w.wantForIssuer(t, "a code", first)
		refused(t, "a code, the API named", w.Exchange(t, app, code(), "resource", payroll), "invalid_target")
		refresh := first.Member("refresh_token")
		for _, scope := range []string{"", "openid", "openid profile"} {
			refused(t, "a refresh, the API named", w.Refresh(t, app, refresh, "resource", payroll, "scope", scope), "invalid_target")
		}
		next := w.Refresh(t, app, refresh)
		w.wantForIssuer(t, "a refresh", next)
		w.wantForIssuer(t, "its retry", w.Refresh(t, app, refresh))
		refused(t, "its retry, the API named", w.Refresh(t, app, refresh, "resource", payroll), "invalid_target")
		w.wantForIssuer(t, "the issuer named", w.Refresh(t, app, next.Member("refresh_token"), "resource", w.Issuer))
		for what, token := range map[string]string{"access": first.Member("access_token"), "refresh": next.Member("refresh_token")} {
			if a := w.introspect(t, rs, token); a.JSON()["active"] == true {
				t.Errorf("the resource server of the API is told of the %s token: %s", what, a.Body)
			}
		}
		if a := w.introspect(t, app, first.Member("access_token")); a.Member("aud") != w.Issuer || a.Member("scope") != "openid profile" {
			t.Errorf("introspection: %s", a.Body)
		}
	})
}

// TestS2AtSeveralResources: each resource has the scopes of OpenID Connect beside a scope of
// its own only.
func TestS2AtSeveralResources(t *testing.T) {
	w, rs := newPayroll(t, authtest.Config{})
	app := w.MustRegister(t, authtest.NewClient("app", authtest.WithCode(identity+" orders.read orders.write pay.read", orders, payroll), withPost))
	b := w.NewBrowser(t)
	asked := func(resources ...string) string {
		return w.AuthorizeURL(app, "scope", "openid orders.read pay.read") + "&" + url.Values{"resource": resources}.Encode()
	}
	code := b.Complete(t, b.Get(t, asked(payroll, orders)), "ada").Callback.Get("code")
	a := w.MustExchange(t, app, code)
	if c := claims(t, w.Issuer, orders, a.Member("access_token")); c["aud"] != orders || c["scope"] != "openid orders.read" {
		t.Errorf("the one that is left: %v", c)
	}
	for _, token := range []string{a.Member("access_token"), a.Member("refresh_token")} {
		if told := w.introspect(t, app, token); told.Member("aud") != orders || told.Member("scope") != "openid orders.read" {
			t.Errorf("introspection: %s", told.Body)
		}
		if told := w.introspect(t, rs, token); told.JSON()["active"] == true {
			t.Errorf("another API's resource server is told: %s", told.Body)
		}
	}
	again := b.Get(t, asked(orders, payroll)).Callback.Get("code")
	refused(t, "a code, for what was left out", w.Exchange(t, app, again, "resource", payroll), "invalid_target")
	live := a.Member("refresh_token")
	for rule, form := range map[string][]string{
		"what was left out":                     {"resource", payroll},
		"what was left out, narrowed":           {"resource", payroll, "scope", "openid"},
		"narrowed to identity, and it is named": {"resource", orders, "scope", "openid"},
	} {
		refused(t, rule, w.Refresh(t, app, live, form...), "invalid_target")
	}
	w.wantForIssuer(t, "narrowed to identity", w.Refresh(t, app, live, "scope", "openid"))
	if p := b.Get(t, asked(payroll)); p.Callback.Get("error") != "invalid_target" {
		t.Errorf("alone: %s", p.URL)
	}
}

// TestS2WhatChangesMeanwhile: where the last scope of the API is taken away, so is the API
// as an audience, on every path.
func TestS2WhatChangesMeanwhile(t *testing.T) {
	for rule, change := range map[string]func(t *testing.T, w *world){
		"the policy":        func(t *testing.T, w *world) { w.withdrawPolicy(t) },
		"the person's role": func(t *testing.T, w *world) { w.SetUsers(t, authtest.Person{Username: "ada"}) },
		"the client's own list": func(t *testing.T, w *world) {
			w.change(t, w.web, func(r *oauth.Registration) { r.Scope = "openid orders.read" })
		},
	} {
		t.Run(rule, func(t *testing.T) {
			w := users(t, authtest.Config{})
			h := w.hold(t) // openid orders.admin
			named := w.Code(t, h.b, w.web, "ada", "scope", "openid orders.admin", "resource", orders)
			change(t, w)
			w.wantActive(t, w.web, h.access, false)
			if a := w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+h.access); a.Status != http.StatusUnauthorized {
				t.Errorf("userinfo takes a token for the API: %d %s", a.Status, a.Body)
			}
			if a := w.introspect(t, w.web, h.refresh); a.Member("aud") != w.Issuer || a.Member("scope") != "openid" {
				t.Errorf("the refresh token introspected: %s", a.Body)
			}
			fresh := w.Exchange(t, w.web, h.code)
			w.wantForIssuer(t, "a code", fresh)
			w.wantForIssuer(t, "a refresh of what it gave", w.Refresh(t, w.web, fresh.Member("refresh_token")))
			refused(t, "a code, the API named", w.Exchange(t, w.web, named, "resource", orders), "invalid_target")
			refused(t, "a refresh, the API named", w.Refresh(t, w.web, h.refresh, "resource", orders), "invalid_target")
			refused(t, "a refresh that asks for what is gone", w.Refresh(t, w.web, h.refresh, "scope", "openid orders.admin"), "invalid_scope")
			w.wantForIssuer(t, "a refresh", w.Refresh(t, w.web, h.refresh))
		})
	}
}

// TestS2AStrangerAtTheDefaultResource: as for a client that registered itself.
func TestS2AStrangerAtTheDefaultResource(t *testing.T) {
	on := open(authtest.Config{})
	on.Settings.DefaultResource = orders
	w := users(t, on)
	const callback = "http://127.0.0.1:33418/callback"
	for rule, scope := range map[string]string{"registered openid": "openid", "registered no scope": "", "registered what is not open": "openid orders.read"} {
		id, _ := mustSelfRegister(t, w.Server, `{"client_name":"Notes","redirect_uris":["`+callback+`"],"scope":"`+scope+`"}`)
		c := authtest.Client{Registration: oauth.Registration{ClientID: id, TokenEndpointAuthMethod: oauth.AuthNone}}
		b := w.NewBrowser(t)
		if p := b.Complete(t, b.Get(t, w.AuthorizeURL(c, "redirect_uri", callback, "scope", "openid", "resource", orders)), "ada"); p.Callback.Get("error") != "invalid_target" {
			t.Errorf("%s: the default resource by name: %d %s", rule, p.Status, p.URL)
		}
		for _, asked := range []string{"openid", "openid orders.read"} {
			p := b.Complete(t, b.Get(t, w.AuthorizeURL(c, "redirect_uri", callback, "scope", asked)), "ada")
			a := w.Token(t, c, "grant_type", "authorization_code", "code", p.Callback.Get("code"), "code_verifier", authtest.Verifier)
			w.wantForIssuer(t, rule, a)
			refused(t, rule, w.Refresh(t, c, a.Member("refresh_token"), "resource", orders), "invalid_target")
			w.wantForIssuer(t, rule, w.Refresh(t, c, a.Member("refresh_token")))
		}
	}
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
		if problem != "" {
			t.Fatalf("openid alone: %s", problem)
		}
		a := w.MustExchange(t, w.web, alone)
		w.wantForIssuer(t, "openid alone", a)
		w.wantForIssuer(t, "its refresh", w.Refresh(t, w.web, a.Member("refresh_token")))
		for rule, asked := range map[string][]string{
			"a scope that was not allowed":     {"scope", "openid profile"},
			"at the issuer, the same":          {"scope", "openid profile", "resource", w.Issuer},
			"another scope of the API":         {"scope", "openid orders.write"},
			"the API's scope, not yet allowed": {"scope", "orders.admin"},
		} {
			if _, problem := code(asked...); problem != "consent_required" {
				t.Errorf("%s: %q", rule, problem)
			}
		}
		form := forms(b.Get(t, w.URL+"/account"))["withdraw "+w.web.Registration.ClientID]
		if p := (&people{Server: w.Server}).postPage(t, b, "/account/withdraw", form); p.Status != http.StatusOK {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		if _, problem := code("scope", "openid"); problem != "consent_required" {
			t.Errorf("withdrawn: %q", problem)
		}
	})
}

// TestS2MachinesHaveNoIdentityScopes, and no token without a scope for an API.
func TestS2MachinesHaveNoIdentityScopes(t *testing.T) {
	w, _ := newPayroll(t, authtest.Config{})
	for rule, scope := range map[string]string{"none": "", "openid": "openid", "denied": "pay.read"} {
		c := w.MustRegister(t, authtest.NewClient("machine", withScopes(scope, payroll), withPost))
		for _, form := range [][]string{{}, {"resource", payroll}, {"scope", "openid"}, {"scope", scope, "resource", payroll}} {
			if a := w.Token(t, c, form...); a.Status == http.StatusOK {
				t.Errorf("%s: %q gives a token: %s", rule, form, a.Body)
			}
		}
		w.Server.Do(t, http.MethodDelete, "/oauth/register/apps.machine", "")
	}
}

// TestS2ReservedAudiencesAreRefused at registration, for clients and for policies.
func TestS2ReservedAudiencesAreRefused(t *testing.T) {
	w := users(t, authtest.Config{})
	for _, resource := range []string{
		w.Issuer, w.Issuer + "/", w.Issuer + "/userinfo", "https://kubernetes.default.svc",
		"https://kubernetes.default.svc.cluster.local", "https://kubernetes.default.svc/x",
	} {
		c := authtest.NewClient("thief", authtest.WithCode("openid", orders, resource), withPost)
		if a := w.Register(t, c.Registration); a.Status != http.StatusBadRequest || a.Error() != "invalid_client_metadata" {
			t.Errorf("%s: %d %s", resource, a.Status, a.Body)
		}
		r := w.web.Registration
		managed := *r.Managed
		managed.Generation, managed.Resources = 2, []string{resource}
		r.Managed = &managed
		if a := w.SendJSON(t, http.MethodPut, "/oauth/register/"+r.ClientID, authtest.RegistrarToken, r); a.Status != http.StatusBadRequest {
			t.Errorf("%s, updated: %d %s", resource, a.Status, a.Body)
		}
		if a := w.SendJSON(t, http.MethodPut, "/registrar/v1/resources/p9", authtest.RegistrarToken, authtest.Policy("p9", resource, "x")); a.Status != http.StatusBadRequest || a.Error() != "invalid_request" {
			t.Errorf("%s, declared: %d %s", resource, a.Status, a.Body)
		}
	}
}

// TestB28OfflineAccessAtRefresh: an app that asks for offline_access at every refresh keeps
// its refresh token, whether or not the scope is among those that it has.
func TestB28OfflineAccessAtRefresh(t *testing.T) {
	w := users(t, authtest.Config{})
	const asked = "openid offline_access orders.read"
	a := w.MustExchange(t, w.web, w.Code(t, w.NewBrowser(t), w.web, "ada", "scope", asked))
	if a.Member("scope") != "openid orders.read" || a.Member("refresh_token") == "" {
		t.Fatalf("it did not register offline_access: %s", a.Body)
	}
	for _, scope := range []string{asked, "offline_access", "offline_access orders.read openid"} {
		if a = w.Refresh(t, w.web, a.Member("refresh_token"), "scope", scope); a.Status != http.StatusOK {
			t.Fatalf("%s: %d %s", scope, a.Status, a.Body)
		}
	}
	refused(t, "another scope that was not granted", w.Refresh(t, w.web, a.Member("refresh_token"), "scope", "offline_access orders.write"), "invalid_scope")
}

// TestS16AScopeWithRolesIsForUsers unless its policy says that clients may have it.
func TestS16AScopeWithRolesIsForUsers(t *testing.T) {
	w := users(t, authtest.Config{})
	machine := w.MustRegister(t, authtest.NewClient("machine", withScopes("orders.read orders.admin", orders), withPost))
	refused(t, "a scope with roles", w.Token(t, machine, "scope", "orders.admin"), "invalid_scope")
	if a := w.Token(t, machine); a.Member("scope") != "orders.read" {
		t.Errorf("all that there is: %d %s", a.Status, a.Body)
	}
	p := authtest.Policy("p1", orders, "orders.read", "orders.admin")
	p.Generation, p.Scopes[1].Roles, p.Scopes[1].GrantableTo = 2, []string{"admin"}, []policy.Grantee{policy.Users, policy.Clients}
	w.MustPutPolicy(t, p)
	w.MustToken(t, machine, "scope", "orders.admin")
}
