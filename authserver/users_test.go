package authserver_test

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// world is a server with a policy, two people, and apps that act for them.
type world struct {
	*authtest.Server
	web, public, other authtest.Client
}

func users(t *testing.T, c authtest.Config) *world {
	t.Helper()
	w := &world{Server: authtest.Start(t, c)}
	w.SetUsers(t, authtest.Person{Username: "ada", Roles: []string{"admin"}, Tenant: "acme"}, authtest.Person{Username: "bob"})
	p := authtest.Policy("p1", orders, "orders.read", "orders.write", "orders.admin")
	p.Scopes[0].Description = "See your orders"
	p.Scopes[2].Roles = []string{"admin"}
	w.MustPutPolicy(t, p)
	all := "openid profile orders.read orders.write orders.admin"
	w.web = w.MustRegister(t, authtest.NewClient("web", authtest.WithCode(all, orders), withPost))
	w.public = w.MustRegister(t, authtest.NewClient("public", authtest.WithCode(all, orders), authtest.Public))
	w.other = w.MustRegister(t, authtest.NewClient("other", authtest.WithCode(all, orders), authtest.Public))
	return w
}

func TestAuthorizationCodeFlow(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		b := w.NewBrowser(t)
		page := b.Get(t, w.AuthorizeURL(w.web, "scope", "openid orders.read orders.admin", "login_hint", "ada"))
		if !page.AsksPassword() || !strings.Contains(page.URL, "/oauth/continue?prt=") || !strings.Contains(page.Body, `value="ada"`) {
			t.Fatalf("want the sign-in page, got %d at %s\n%s", page.Status, page.URL, page.Body)
		}
		page = b.SignIn(t, page, "ada")
		if !page.AsksConsent() || !strings.Contains(page.Body, "See your orders") || !strings.Contains(page.Body, "app.example") {
			t.Fatalf("want the consent page, got %d at %s\n%s", page.Status, page.URL, page.Body)
		}
		page = b.Submit(t, page, "decision", "allow")
		if page.Status != http.StatusSeeOther || !strings.HasPrefix(page.URL, authtest.Redirect+"?") ||
			page.Callback.Get("state") != "the state" || page.Callback.Get("iss") != w.Issuer {
			t.Fatalf("answer %d %s", page.Status, page.URL)
		}
		a := w.MustExchange(t, w.web, page.Callback.Get("code"))
		if a.Member("scope") != "openid orders.read orders.admin" || a.JSON()["expires_in"] != 900.0 || a.Member("refresh_token") == "" {
			t.Errorf("token answer %s", a.Body)
		}
		access := claims(t, w.Issuer, orders, a.Member("access_token"))
		for name, want := range map[string]any{"sub": "user/ada", "aud": orders, "client_id": "apps.web", "scope": "openid orders.read orders.admin"} {
			if access[name] != want {
				t.Errorf("access token: %s = %v, want %v", name, access[name], want)
			}
		}
		if roles, _ := access["roles"].([]any); len(roles) != 1 || roles[0] != "admin" {
			t.Errorf("roles = %v", access["roles"])
		}
		if told := w.introspect(t, w.web, a.Member("access_token")); access["tenant"] != "acme" || told.Member("tenant") != "acme" {
			t.Errorf("tenant = %v, introspected %s", access["tenant"], told.Body)
		}
		identity := claims(t, w.Issuer, "apps.web", a.Member("id_token"))
		if identity["sub"] != "user/ada" || identity["nonce"] != "the nonce" || identity["auth_time"] != float64(w.Clock.Now().Unix()) || identity["at_hash"] == nil {
			t.Errorf("id token %v", identity)
		}

		t.Run("consent is remembered, and asked for what is new only", func(t *testing.T) {
			page := b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read"))
			if page.Callback.Get("code") == "" {
				t.Fatalf("want a code at once, got %d at %s", page.Status, page.URL)
			}
			if page = b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read orders.write")); !page.AsksConsent() {
				t.Fatalf("want the consent page, got %s", page.URL)
			}
			page = b.Submit(t, page, "decision", "deny")
			if page.Callback.Get("error") != "access_denied" || page.Callback.Get("iss") != w.Issuer || page.Callback.Get("state") != "the state" {
				t.Errorf("denied: %s", page.URL)
			}
		})
		t.Run("no scope means all registered, as far as the user's roles go", func(t *testing.T) {
			code := w.Code(t, w.NewBrowser(t), w.public, "bob")
			a := w.MustExchange(t, w.public, code)
			if a.Member("scope") != "openid orders.read orders.write profile" {
				t.Errorf("scope %q: bob is no admin", a.Member("scope"))
			}
		})
		t.Run("form_post", func(t *testing.T) {
			page := b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read", "response_mode", "form_post"))
			action, fields := page.Form()
			if action != authtest.Redirect || fields.Get("code") == "" || fields.Get("iss") != w.Issuer || fields.Get("state") != "the state" {
				t.Errorf("form to %q: %v", action, fields)
			}
		})
	})
}

func TestA18IssAndStateOnEveryRedirectedError(t *testing.T) {
	w := users(t, authtest.Config{})
	b := w.NewBrowser(t)
	for _, c := range []struct {
		rule   string
		change []string
		want   string
	}{
		{"unknown response type", []string{"response_type", "token"}, "unsupported_response_type"},
		{"missing response type", []string{"response_type", ""}, "invalid_request"},
		{"unknown response mode", []string{"response_mode", "fragment"}, "invalid_request"},
		{"A2: no PKCE", []string{"code_challenge", "", "code_challenge_method", ""}, "invalid_request"},
		{"A2: plain", []string{"code_challenge_method", "plain"}, "invalid_request"},
		{"A2: method left out", []string{"code_challenge_method", ""}, "invalid_request"},
		{"A2: short challenge", []string{"code_challenge", "abc"}, "invalid_request"},
		{"request object", []string{"request", "eyJ"}, "request_not_supported"},
		{"request_uri of others", []string{"request_uri", "https://evil.example/r"}, "request_uri_not_supported"},
		{"registration", []string{"registration", "{}"}, "registration_not_supported"},
		{"prompt none beside another", []string{"prompt", "none login"}, "invalid_request"},
		{"unknown prompt", []string{"prompt", "create"}, "invalid_request"},
		{"max_age no number", []string{"max_age", "-1"}, "invalid_request"},
		{"another resource", []string{"resource", "https://payroll.example"}, "invalid_target"},
		{"malformed scope", []string{"scope", `a"b`}, "invalid_scope"},
		{"A15: huge nonce", []string{"nonce", strings.Repeat("n", 600)}, "invalid_request"},
		{"prompt none, nobody signed in", []string{"prompt", "none"}, "login_required"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			page := b.Get(t, w.AuthorizeURL(w.web, c.change...))
			if !strings.HasPrefix(page.URL, authtest.Redirect+"?") || page.Callback.Get("error") != c.want {
				t.Fatalf("%d %s, want %s at the client", page.Status, page.URL, c.want)
			}
			if page.Callback.Get("iss") != w.Issuer || page.Callback.Get("state") != "the state" || page.Callback.Has("code") {
				t.Errorf("iss %q, state %q", page.Callback.Get("iss"), page.Callback.Get("state"))
			}
		})
	}
}

func TestA1A9WhatIsNotTrustedIsShownAndNeverRedirected(t *testing.T) {
	w := users(t, authtest.Config{})
	disabled := w.MustRegister(t, authtest.NewClient("disabled", authtest.WithCode("orders.read", orders), func(r *oauth.Registration) { r.Managed.Disabled = true }))
	machine := w.MustRegister(t, authtest.NewClient("machine"))
	for _, c := range []struct {
		rule    string
		address string
	}{
		{"unknown client", w.AuthorizeURL(w.web, "client_id", "nobody")},
		{"script for a client", w.AuthorizeURL(w.web, "client_id", "<script>alert(1)</script>")},
		{"no client", w.AuthorizeURL(w.web, "client_id", "")},
		{"disabled client", w.AuthorizeURL(disabled)},
		{"a client without redirect URIs", w.AuthorizeURL(machine)},
		{"another redirect URI", w.AuthorizeURL(w.web, "redirect_uri", "https://evil.example/callback")},
		{"a longer one", w.AuthorizeURL(w.web, "redirect_uri", authtest.Redirect+"/x")},
		{"with a query", w.AuthorizeURL(w.web, "redirect_uri", authtest.Redirect+"?x=1")},
		{"with userinfo", w.AuthorizeURL(w.web, "redirect_uri", "https://app.example@evil.example/callback")},
		{"with a fragment", w.AuthorizeURL(w.web, "redirect_uri", authtest.Redirect+"#")},
		{"with dot segments", w.AuthorizeURL(w.web, "redirect_uri", "https://app.example/x/../callback")},
		{"javascript", w.AuthorizeURL(w.web, "redirect_uri", "JavaScript:alert(1)")},
		{"A13: a parameter twice", w.AuthorizeURL(w.web) + "&state=other"},
		{"A13: the redirect URI twice", w.AuthorizeURL(w.web) + "&redirect_uri=https%3A%2F%2Fevil.example"},
		{"a forged pushed request", w.AuthorizeURL(w.web, "request_uri", "urn:ietf:params:oauth:request_uri:clp_x")},
		{"a forged prt", w.Issuer + "/oauth/continue?prt=v1.AAAA"},
		{"no prt", w.Issuer + "/oauth/continue"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			page := w.NewBrowser(t).Get(t, c.address)
			if page.Status != http.StatusBadRequest || page.Header.Get("Location") != "" || page.Callback != nil {
				t.Fatalf("%d, sent to %q; want a page with 400", page.Status, page.Header.Get("Location"))
			}
			csp := page.Header.Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || page.Header.Get("X-Frame-Options") != "DENY" {
				t.Errorf("policy %q", csp)
			}
			if strings.Contains(page.Body, "<script") || strings.Contains(page.Body, "evil.example") || page.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("the page repeats what was sent, or may be kept:\n%s", page.Body)
			}
		})
	}
}

func TestA9NamesAndStateAreOnlyText(t *testing.T) {
	w := users(t, authtest.Config{})
	evil := `"><img src=x onerror=alert(1)>`
	c := w.MustRegister(t, authtest.NewClient("evil", authtest.WithCode("orders.read", orders), func(r *oauth.Registration) { r.ClientName = evil }))
	b := w.NewBrowser(t)
	page := b.SignIn(t, b.Get(t, w.AuthorizeURL(c, "state", evil, "response_mode", "form_post")), "ada")
	if strings.Contains(page.Body, "<img src=x") || !page.AsksConsent() {
		t.Fatalf("consent page:\n%s", page.Body)
	}
	page = b.Submit(t, page, "decision", "allow")
	if _, fields := page.Form(); strings.Contains(page.Body, "<img src=x") || fields.Get("state") != evil {
		t.Errorf("form_post page, state %q:\n%s", fields.Get("state"), page.Body)
	}
	page = b.Get(t, w.AuthorizeURL(c, "state", "a&code=forged\r\nX: y"))
	if page.Callback.Get("state") != "a&code=forged\r\nX: y" || len(page.Callback["code"]) != 1 || page.Header.Get("X") != "" {
		t.Errorf("state breaks out: %s", page.URL)
	}
}

func TestPromptAndMaxAge(t *testing.T) {
	w := users(t, authtest.Config{})
	b := w.NewBrowser(t)
	first := w.Code(t, b, w.web, "ada", "scope", "openid orders.read")
	w.MustExchange(t, w.web, first)
	ask := func(change ...string) authtest.Page {
		return b.Get(t, w.AuthorizeURL(w.web, append([]string{"scope", "openid orders.read"}, change...)...))
	}
	if p := ask("prompt", "none"); p.Callback.Get("code") == "" {
		t.Errorf("prompt none with a session and a consent: %s", p.URL)
	}
	if p := ask("prompt", "none", "scope", "orders.write"); p.Callback.Get("error") != "consent_required" {
		t.Errorf("prompt none without consent: %s", p.URL)
	}
	if p := ask("prompt", "consent"); !p.AsksConsent() {
		t.Errorf("prompt consent: %s", p.URL)
	}
	for _, change := range [][]string{{"prompt", "login"}, {"prompt", "select_account"}, {"max_age", "0"}} {
		p := ask(change...)
		if !p.AsksPassword() {
			t.Errorf("%v: %s", change, p.URL)
			continue
		}
		if p = b.Get(t, p.URL); !p.AsksPassword() {
			t.Errorf("%v, opened again without signing in: %s", change, p.URL)
		}
		if p = b.SignIn(t, p, "ada"); p.Callback.Get("code") == "" {
			t.Errorf("%v, after signing in: %s", change, p.URL)
		}
	}
	w.Pass(t, 100*time.Second)
	if p := ask("max_age", "99"); !p.AsksPassword() {
		t.Errorf("max_age 99 after 100 s: %s", p.URL)
	}
	if p := ask("max_age", "99", "prompt", "none"); p.Callback.Get("error") != "login_required" {
		t.Errorf("max_age 99 and prompt none after 100 s: %s", p.URL)
	}
	if p := ask("max_age", "101"); p.Callback.Get("code") == "" {
		t.Errorf("max_age 101 after 100 s: %s", p.URL)
	}
}

func TestA20ThePendingRequestAndItsFormsAreBoundToTheBrowser(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		victim, attacker := w.NewBrowser(t), w.NewBrowser(t)
		page := attacker.Get(t, w.AuthorizeURL(w.web))
		victim.Get(t, w.AuthorizeURL(w.web)) // it has a cookie of its own
		if p := victim.Get(t, page.URL); p.Status != http.StatusBadRequest || p.AsksPassword() {
			t.Errorf("another browser's prt: %d", p.Status)
		}
		if p := victim.Submit(t, page, "username", "ada", "password", authtest.Password); p.Status != http.StatusBadRequest {
			t.Errorf("another browser's sign-in form: %d", p.Status)
		}
		// Signing in makes a new cookie value: one that was planted is worth nothing.
		visit := victim.Get(t, w.AuthorizeURL(w.web))
		before := cookies(victim, w.URL)
		consent := victim.SignIn(t, visit, "ada")
		after := cookies(victim, w.URL)
		if len(after) != len(before)+2 { // the session's, and that of a known browser
			t.Errorf("cookies before %d, after %d", len(before), len(after))
		}
		if p := victim.Submit(t, consent, "csrf", "forged", "decision", "allow"); p.Status != http.StatusForbidden {
			t.Errorf("a forged CSRF token: %d", p.Status)
		}
		other := victim.Get(t, w.AuthorizeURL(w.public))
		_, fields := other.Form()
		if p := victim.Submit(t, consent, "csrf", fields.Get("csrf"), "decision", "allow"); p.Status != http.StatusForbidden {
			t.Errorf("the CSRF token of another request: %d", p.Status)
		}
		action, fields := consent.Form()
		fields.Set("decision", "allow")
		r, err := http.NewRequest(http.MethodPost, action, strings.NewReader(fields.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		if p := victim.Send(t, r); p.Status != http.StatusForbidden {
			t.Errorf("a form from another origin: %d", p.Status)
		}
		w.Pass(t, 10*time.Minute)
		if p := victim.Submit(t, consent, "decision", "allow"); p.Status != http.StatusBadRequest {
			t.Errorf("a consent form after ten minutes: %d", p.Status)
		}
	})
}

func cookies(b *authtest.Browser, address string) []*http.Cookie {
	u, _ := url.Parse(address)
	return b.Jar.Cookies(u)
}

func TestEveryCheckIsRepeatedWhenThePendingRequestIsOpened(t *testing.T) {
	w := users(t, authtest.Config{})
	b := w.NewBrowser(t)
	page := b.Get(t, w.AuthorizeURL(w.web))
	changed := w.web.Registration
	managed := *changed.Managed
	changed.Managed = &managed
	managed.Generation, changed.RedirectURIs = 2, []string{"https://app.example/new"}
	w.Register(t, changed)
	if p := b.SignIn(t, page, "ada"); p.Status != http.StatusBadRequest || p.Callback != nil {
		t.Errorf("the redirect URI is gone: %d %s", p.Status, p.URL)
	}
	managed.Generation, managed.Disabled = 3, true
	w.Register(t, changed)
	if p := b.Get(t, page.URL); p.Status != http.StatusBadRequest || p.Callback != nil {
		t.Errorf("the client is disabled: %d %s", p.Status, p.URL)
	}
}

// TestConsentIsForWhatStoodOnThePage: policy widens while it is open.
func TestConsentIsForWhatStoodOnThePage(t *testing.T) {
	w := users(t, authtest.Config{})
	policy := func(generation int64, allowed ...string) {
		p := authtest.Policy("p1", orders, "orders.read", "orders.write")
		p.Generation, p.Allow[0].Scopes = generation, allowed
		w.MustPutPolicy(t, p)
	}
	policy(2, "orders.read")
	b := w.NewBrowser(t)
	asked := w.AuthorizeURL(w.web, "scope", "orders.read orders.write")
	page := b.SignIn(t, b.Get(t, asked), "ada")
	policy(3, "orders.read", "orders.write")
	if p := b.Submit(t, page, "decision", "allow"); p.Status != http.StatusConflict || p.Callback != nil {
		t.Errorf("allowed what was not read: %d %s", p.Status, p.URL)
	}
	if p := b.Get(t, asked); !p.AsksConsent() || !strings.Contains(p.Body, "orders.write") {
		t.Errorf("the page now: %d %s", p.Status, p.URL)
	}
}

// TestConsentIsForTheWordsThatStoodOnThePage, and for as long; who says no to what has
// changed has said no.
func TestConsentIsForTheWordsThatStoodOnThePage(t *testing.T) {
	for what, change := range map[string]func(*world){
		"the words of a scope": func(w *world) {
			p := authtest.Policy("p1", orders, "orders.read", "orders.write")
			p.Generation, p.Scopes[0].Description = 2, "Read and delete all that you ever ordered"
			w.MustPutPolicy(t, p)
		},
		"how long it is for": func(w *world) {
			w.change(t, w.web, func(r *oauth.Registration) { r.Managed.RefreshTokenLifetime = 3600 })
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := users(t, authtest.Config{})
			b := w.NewBrowser(t)
			asked := w.AuthorizeURL(w.web, "scope", "orders.read")
			page := b.SignIn(t, b.Get(t, asked), "ada")
			change(w)
			if p := b.Submit(t, page, "decision", "allow"); p.Status != http.StatusConflict || p.Callback != nil {
				t.Errorf("allowed what was not read: %d %s", p.Status, p.URL)
			}
			if p := b.Submit(t, page, "decision", "deny"); p.Callback.Get("error") != "access_denied" {
				t.Errorf("denied: %d %s", p.Status, p.URL)
			}
		})
	}
}

// TestConsentIsForTheAppThatStoodOnThePage: it becomes another while the page is open,
// by any word that it says of itself.
func TestConsentIsForTheAppThatStoodOnThePage(t *testing.T) {
	for what, c := range map[string]struct {
		change  func(*oauth.Registration)
		refused bool
	}{
		"the name":               {func(r *oauth.Registration) { r.ClientName = "Another" }, true},
		"the description":        {func(r *oauth.Registration) { r.Description = "Another" }, true},
		"the homepage":           {func(r *oauth.Registration) { r.ClientURI = "https://another.example/" }, true},
		"the privacy policy":     {func(r *oauth.Registration) { r.PolicyURI = "https://another.example/" }, true},
		"the terms":              {func(r *oauth.Registration) { r.TOSURI = "https://another.example/" }, true},
		"the logo":               {func(r *oauth.Registration) { r.LogoURI = "https://another.example/" }, true},
		"who runs it":            {func(r *oauth.Registration) { r.Managed.OwnerDisplay = "others" }, true},
		"nothing that is to see": {func(r *oauth.Registration) { r.PostLogoutRedirectURIs = []string{"https://app.example/bye"} }, false},
	} {
		t.Run(what, func(t *testing.T) {
			w := users(t, authtest.Config{})
			b := w.NewBrowser(t)
			page := b.SignIn(t, b.Get(t, w.AuthorizeURL(w.web)), "ada")
			w.change(t, w.web, c.change)
			p := b.Submit(t, page, "decision", "allow")
			if !c.refused {
				if p.Callback.Get("code") == "" {
					t.Errorf("refused: %d %s", p.Status, p.URL)
				}
				return
			}
			if p.Status != http.StatusConflict || p.Callback != nil || !strings.Contains(p.Body, "out of date") {
				t.Fatalf("want the page that is out of date, got %d %s", p.Status, p.URL)
			}
			if all, err := w.Store.ConsentsOf(t.Context(), "user/ada"); len(all) != 0 || err != nil {
				t.Errorf("a consent is kept: %v, %v", all, err)
			}
			again := regexp.MustCompile(`href="([^"]*/oauth/continue[^"]*)"`).FindStringSubmatch(p.Body)
			if again == nil {
				t.Fatalf("no way back to the page:\n%s", p.Body)
			}
			if p := b.Submit(t, b.Get(t, html.UnescapeString(again[1])), "decision", "allow"); p.Callback.Get("code") == "" {
				t.Errorf("allowed after reading it: %d %s", p.Status, p.URL)
			}
			if p := b.Submit(t, page, "decision", "allow", "shown", "0"); p.Status != http.StatusForbidden {
				t.Errorf("another digest than the token is for: %d", p.Status)
			}
		})
	}
}

// TestTooLargeAFormIsAnsweredByAPage, with its length told before and without.
func TestTooLargeAFormIsAnsweredByAPage(t *testing.T) {
	w := users(t, authtest.Config{})
	huge := "x=" + strings.Repeat("y", 40<<10)
	for _, path := range []string{"/oauth/authorize", "/oauth/continue", "/oauth/logout", "/account/withdraw", "/account/sign-in"} {
		for _, length := range []int64{int64(len(huge)), -1} {
			r := formTo(t, w.URL+path)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(huge)), length
			r.Header.Set("Origin", w.URL)
			p := w.NewBrowser(t).Send(t, r)
			if p.Status != http.StatusRequestEntityTooLarge || !strings.Contains(p.Body, "<h1>That was too much</h1>") || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
				t.Errorf("%s, length %d: %d %s", path, length, p.Status, p.Body)
			}
		}
	}
	if a := w.Do(t, http.MethodPost, "/oauth/token", "x="+strings.Repeat("y", 70<<10), "Content-Type", formType); a.Status != http.StatusRequestEntityTooLarge || a.Error() != "invalid_request" {
		t.Errorf("an app's request: %d %s", a.Status, a.Body)
	}
}

func TestAnonymousVisitorsCauseNoWrite(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		before := w.Store.Writes()
		for range 5 {
			b := w.NewBrowser(t)
			b.Get(t, w.AuthorizeURL(w.web))
			b.Get(t, w.AuthorizeURL(w.web, "prompt", "none"))
			page := b.SendBare(t, w.posted(t, w.web))
			account := b.Get(t, w.Issuer+"/account")
			for _, p := range []authtest.Page{page, account} { // without a token of ours
				b.Submit(t, p, "csrf", "forged", "username", "ada", "password", authtest.Password)
			}
			for _, path := range []string{"/account/withdraw", "/account/end-session", "/account/sign-out", "/oauth/logout"} {
				b.Send(t, formTo(t, w.URL+path, "csrf", "forged", "client_id", "apps.web", "session", "x"))
			}
			for _, path := range []string{"/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par", "/userinfo"} {
				for _, grant := range []string{"authorization_code", "refresh_token"} {
					b.Send(t, formTo(t, w.URL+path, "grant_type", grant, "client_id", "apps.nobody", "client_secret", "x", "code", "x", "refresh_token", "x", "token", "x", "access_token", "x"))
				}
			}
		}
		if n := w.Store.Writes() - before; n != 0 {
			t.Errorf("%d writes", n)
		}
	})
}

// formTo is a form that our own page might post.
func formTo(t *testing.T, address string, fields ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(values(fields...).Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	return r
}
