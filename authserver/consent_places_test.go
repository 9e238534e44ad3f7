package authserver_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

const (
	goodPlace = "https://github.com/cb"
	evilPlace = "https://evil.example/cb"
)

// stranger registers a client with these redirect URIs, as anybody can; members is JSON
// to add.
func (w *people) stranger(t *testing.T, members string, redirectURIs ...string) *mine {
	t.Helper()
	a := selfRegister(t, w.Server, strangerBody("", members, redirectURIs...))
	if a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	return &mine{Server: w.Server, id: a.Member("client_id"), token: a.Member("registration_access_token")}
}

func strangerBody(id, members string, redirectURIs ...string) string {
	if members != "" {
		members = "," + members
	}
	return fmt.Sprintf(`{"client_id":%q,"scope":"posts.read","redirect_uris":["%s"]%s}`, id, strings.Join(redirectURIs, `","`), members)
}

// change sends an update (RFC 7592, Section 2.2) and wants it to be accepted.
func (m *mine) change(t *testing.T, members string, redirectURIs ...string) {
	t.Helper()
	a := m.send(t, http.MethodPut, m.token, strangerBody(m.id, members, redirectURIs...))
	if a.Status != http.StatusOK {
		t.Fatalf("update: %d %s", a.Status, a.Body)
	}
}

func (m *mine) client() authtest.Client {
	return authtest.Client{Registration: oauth.Registration{ClientID: m.id, TokenEndpointAuthMethod: oauth.AuthNone}}
}

// ask sends an authorization request that is to be answered at a redirect URI.
func (w *people) ask(t *testing.T, b *authtest.Browser, m *mine, to string, change ...string) authtest.Page {
	t.Helper()
	return b.Get(t, w.AuthorizeURL(m.client(), append([]string{"redirect_uri", to, "resource", api}, change...)...))
}

// allow signs in and allows, and returns the code.
func (w *people) allow(t *testing.T, b *authtest.Browser, m *mine, to string) string {
	t.Helper()
	page := b.Complete(t, w.ask(t, b, m, to), "ada")
	code := page.Callback.Get("code")
	if code == "" || !strings.HasPrefix(page.URL, to) {
		t.Fatalf("no code at %s: %d %s\n%s", to, page.Status, page.URL, page.Body)
	}
	return code
}

// redeem brings a code that went to a redirect URI.
func (w *people) redeem(t *testing.T, m *mine, to, code string) authtest.Answer {
	t.Helper()
	return w.post(t, "/oauth/token", "grant_type", "authorization_code", "code", code, "client_id", m.id, "redirect_uri", to, "code_verifier", authtest.Verifier)
}

func (w *people) renew(t *testing.T, m *mine, refresh string) authtest.Answer {
	t.Helper()
	return w.post(t, "/oauth/token", "grant_type", "refresh_token", "refresh_token", refresh, "client_id", m.id)
}

// wantAsked wants the consent page for a redirect URI, and no code without it.
func (w *people) wantAsked(t *testing.T, b *authtest.Browser, m *mine, to string) authtest.Page {
	t.Helper()
	page := w.ask(t, b, m, to)
	if !page.AsksConsent() {
		t.Errorf("%s: not asked: %d %s", to, page.Status, page.URL)
	}
	if quiet := w.ask(t, b, m, to, "prompt", "none"); quiet.Callback.Get("error") != "consent_required" || quiet.Callback.Has("code") {
		t.Errorf("%s, prompt=none: %d %s", to, quiet.Status, quiet.URL)
	}
	return page
}

// wantCode wants a code for a redirect URI without a page.
func (w *people) wantCode(t *testing.T, b *authtest.Browser, m *mine, to string) {
	t.Helper()
	if quiet := w.ask(t, b, m, to, "prompt", "none"); quiet.Callback.Get("code") == "" {
		t.Errorf("%s, prompt=none: %d %s", to, quiet.Status, quiet.URL)
	}
}

// RFC 6749, Section 10.2; RFC 7591, Section 5.
func TestS1ConsentOfAStrangersClientHoldsAtOnePlace(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		app := w.stranger(t, "", goodPlace, evilPlace)
		b := w.NewBrowser(t)
		code := w.allow(t, b, app, goodPlace)
		w.wantCode(t, b, app, goodPlace)
		w.wantAsked(t, b, app, evilPlace)

		t.Run("its tokens live on where it was allowed", func(t *testing.T) {
			tokens := w.redeem(t, app, goodPlace, code)
			if tokens.Status != http.StatusOK || !w.active(t, w.rs, tokens.Member("access_token")) {
				t.Fatalf("code: %d %s", tokens.Status, tokens.Body)
			}
			if a := w.renew(t, app, tokens.Member("refresh_token")); a.Status != http.StatusOK {
				t.Errorf("refresh: %d %s", a.Status, a.Body)
			}
		})
		t.Run("a pushed request is asked about too", func(t *testing.T) {
			pushed := w.post(t, "/oauth/par", "client_id", app.id, "response_type", "code", "redirect_uri", evilPlace, "resource", api,
				"code_challenge", authtest.Challenge(), "code_challenge_method", "S256", "prompt", "none")
			page := b.Get(t, w.Issuer+"/oauth/authorize?"+url.Values{"client_id": {app.id}, "request_uri": {pushed.Member("request_uri")}}.Encode())
			if page.Callback.Get("error") != "consent_required" {
				t.Errorf("%d %s: %d %s", pushed.Status, pushed.Body, page.Status, page.URL)
			}
		})
		t.Run("the account page says where it was allowed", func(t *testing.T) {
			if page := b.Get(t, w.URL+"/account"); !strings.Contains(page.Body, `You allowed it at <strong class="host">github.com</strong></p>`) {
				t.Errorf("%d %s", page.Status, page.Body)
			}
		})
		t.Run("allowed at both", func(t *testing.T) {
			w.allow(t, b, app, evilPlace)
			w.wantCode(t, b, app, evilPlace)
			w.wantCode(t, b, app, goodPlace)
		})
		t.Run("withdrawn at all places", func(t *testing.T) {
			form := forms(b.Get(t, w.URL+"/account"))["withdraw "+app.id]
			if a := w.postPage(t, b, "/account/withdraw", form); a.Status != http.StatusOK {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			w.wantAsked(t, b, app, goodPlace)
			w.wantAsked(t, b, app, evilPlace)
		})
	})
}

// Two hosts are one place only if a person reads the same of both.
func TestS1WhatIsOnePlace(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	w.Settings.Registration.PrivateUseSchemes = []string{"cursor", "zed"}
	w.Reload(t)
	for _, c := range []struct {
		rule, allowed, then string
		same                bool
	}{
		{"another path", "https://mail.example/cb", "https://mail.example/other?a=b", true},
		{"the default port", "https://mail.example/cb", "https://mail.example:443/cb", true},
		{"another port", "https://mail.example/cb", "https://mail.example:8443/cb", false},
		{"www", "https://mail.example/cb", "https://www.mail.example/cb", false},
		{"a host below", "https://mail.example/cb", "https://mail.example.evil.example/cb", false},
		{"punycode of a look-alike", "https://github.com/cb", "https://xn--gthub-n4a.com/cb", false},
		{"another port on this computer", "http://127.0.0.1/cb", "http://localhost:9/cb", true},
		{"IPv6 on this computer", "http://127.0.0.1/cb", "http://[::1]:9/cb", true},
		{"https on this computer", "http://127.0.0.1/cb", "https://localhost:8443/cb", true},
		{"a name that means this computer", "http://127.0.0.1/cb", "https://app.localhost/cb", true},
		{"another address", "https://192.0.2.7/cb", "https://192.0.2.8/cb", false},
		{"from this computer to the web", "http://localhost/cb", "https://evil.example/cb", false},
		{"from the web to this computer", "https://mail.example/cb", "http://localhost/cb", false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			app, b := w.stranger(t, "", c.allowed, c.then), w.NewBrowser(t)
			w.allow(t, b, app, c.allowed)
			if c.same {
				w.wantCode(t, b, app, c.then)
			} else {
				w.wantAsked(t, b, app, c.then)
			}
		})
	}
	t.Run("another scheme of the device", func(t *testing.T) { // is asked about every time
		app, b := w.stranger(t, "", "cursor://a/cb", "zed://a/cb"), w.NewBrowser(t)
		w.allow(t, b, app, "cursor://a/cb")
		for to, known := range map[string]bool{"cursor://a/cb": true, "zed://a/cb": false} {
			if page := w.wantAsked(t, b, app, to); strings.Contains(page.Body, "already allowed") != known {
				t.Errorf("%s: allowed before: %v, want %v", to, !known, known)
			}
		}
	})
	for rule, to := range map[string]string{"upper case": "https://GitHub.com/cb", "a trailing dot": "https://github.com./cb", "no punycode": "https://g\u0456thub.com/cb"} {
		if a := selfRegister(t, w.Server, strangerBody("", "", to)); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", rule, a.Status, a.Body)
		}
	}
}

func TestS1ThePageListsEveryPlaceOfAStrangersClient(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	w.Settings.Registration.PrivateUseSchemes = []string{"cursor"}
	w.Reload(t)
	app := w.stranger(t, "", goodPlace, goodPlace+"/2", evilPlace, "http://localhost/cb", "http://127.0.0.1/cb", "cursor://a/cb")
	b := w.NewBrowser(t)
	page := b.SignIn(t, w.ask(t, b, app, goodPlace), "ada")
	also := section(t, page.Body, "It also leads to", "</p>")
	for want, n := range map[string]int{"evil.example": 1, "an app on this computer": 1, "cursor": 1, "github.com": 0} {
		if strings.Count(also, want) != n {
			t.Errorf("%q names %q %d times, want %d", also, want, strings.Count(also, want), n)
		}
	}
	// Whose places somebody vouches for is not asked about one by one.
	declared := w.MustRegister(t, authtest.NewClient("declared", authtest.WithCode("read", api), func(r *oauth.Registration) {
		r.RedirectURIs = append(r.RedirectURIs, "https://elsewhere.example/cb")
	}))
	if page := b.Get(t, w.AuthorizeURL(declared, "resource", api)); !page.AsksConsent() || strings.Contains(page.Body, "elsewhere.example") {
		t.Errorf("a declared client's other hosts:\n%s", page.Body)
	}
	w.Code(t, b, declared, "ada", "resource", api)
	if page := b.Get(t, w.AuthorizeURL(declared, "resource", api, "redirect_uri", "https://elsewhere.example/cb")); page.Callback.Get("code") == "" {
		t.Errorf("a declared client, at its other host: %d %s", page.Status, page.URL)
	}
}

// section is what stands between two texts.
func section(t *testing.T, body, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(body, from)
	if !found {
		t.Fatalf("no %q in\n%s", from, body)
	}
	part, _, _ := strings.Cut(rest, to)
	return part
}

func TestS1TwoTabsWithDifferentPlaces(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	app, b := w.stranger(t, "", goodPlace, evilPlace), w.NewBrowser(t)
	good := b.SignIn(t, w.ask(t, b, app, goodPlace), "ada")
	evil := w.ask(t, b, app, evilPlace)
	_, form := evil.Form()
	// The form of one tab allows nothing for the other.
	mixed := b.Submit(t, good, "decision", "allow", "prt", form.Get("prt"))
	if mixed.Callback != nil {
		t.Errorf("a form with another tab's request: %d %s", mixed.Status, mixed.URL)
	}
	if page := b.Submit(t, good, "decision", "allow"); page.Callback.Get("code") == "" || !strings.HasPrefix(page.URL, goodPlace) {
		t.Fatalf("%d %s", page.Status, page.URL)
	}
	w.wantAsked(t, b, app, evilPlace)
	if page := b.Submit(t, evil, "decision", "allow"); page.Callback.Get("code") == "" || !strings.HasPrefix(page.URL, evilPlace) {
		t.Errorf("%d %s", page.Status, page.URL)
	}
}

// TestS1AnUpdateThatLeadsElsewhere: RFC 7592, Section 2.2, after consent.
func TestS1AnUpdateThatLeadsElsewhere(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		app, b := w.stranger(t, "", goodPlace), w.NewBrowser(t)
		refresh := w.redeem(t, app, goodPlace, w.allow(t, b, app, goodPlace)).Member("refresh_token")
		onItsWay := w.ask(t, b, app, goodPlace).Callback.Get("code")
		open := w.ask(t, b, app, goodPlace, "prompt", "consent")
		app.change(t, "", goodPlace, evilPlace)
		for _, to := range []string{goodPlace, evilPlace} {
			w.wantAsked(t, b, app, to)
		}
		refused(t, "a code that is on its way", w.redeem(t, app, goodPlace, onItsWay), "invalid_grant")
		refused(t, "a refresh token", w.renew(t, app, refresh), "invalid_grant")
		if page := b.Submit(t, open, "decision", "allow"); page.Callback != nil || page.Status == http.StatusOK {
			t.Errorf("a page of before the update: %d %s", page.Status, page.URL)
		}
		w.allow(t, b, app, goodPlace)
		w.wantCode(t, b, app, goodPlace)
		w.wantAsked(t, b, app, evilPlace)
		// Without the other place it is another app again.
		app.change(t, "", goodPlace)
		w.wantAsked(t, b, app, goodPlace)
	})
}

// TestS9ConsentEndsWhenWhatWasPromisedChanges: people allowed what they were shown.
func TestS9ConsentEndsWhenWhatWasPromisedChanges(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	const before = `"client_name":"App","grant_types":["authorization_code"],"client_uri":"https://github.com/","policy_uri":"https://github.com/p","tos_uri":"https://github.com/t"`
	for rule, c := range map[string]struct {
		after string
		asked bool
	}{
		"a name":            {strings.Replace(before, `"App"`, `"Other"`, 1), true},
		"refresh tokens":    {strings.Replace(before, `"authorization_code"`, `"authorization_code","refresh_token"`, 1), true},
		"a home page":       {strings.Replace(before, `github.com/"`, `github.com/other"`, 1), true},
		"a privacy policy":  {strings.Replace(before, `github.com/p"`, `github.com/other"`, 1), true},
		"terms of use":      {strings.Replace(before, `github.com/t"`, `github.com/other"`, 1), true},
		"a description":     {before + `,"clientele_description":"Something else"`, true},
		"nothing":           {before, false},
		"what is not shown": {before + `,"contacts":["ops@example.com"],"software_id":"x"`, false},
	} {
		t.Run(rule, func(t *testing.T) {
			app, b := w.stranger(t, before, goodPlace), w.NewBrowser(t)
			w.allow(t, b, app, goodPlace)
			app.change(t, c.after, goodPlace)
			if c.asked {
				w.wantAsked(t, b, app, goodPlace)
			} else {
				w.wantCode(t, b, app, goodPlace)
			}
		})
	}
	t.Run("a declared client that gets refresh tokens", func(t *testing.T) {
		once := authtest.NewClient("once", authtest.WithCode("read", api), func(r *oauth.Registration) { r.GrantTypes = []oauth.GrantType{oauth.GrantAuthorizationCode} })
		w.MustRegister(t, once)
		b := w.NewBrowser(t)
		w.Code(t, b, once, "ada", "resource", api)
		keeps := *once.Registration.Managed
		keeps.Generation = 2
		once.Registration.Managed = &keeps
		once.Registration.ClientName = "Another name" // its namespace answers for that
		w.MustRegister(t, once)
		if page := b.Get(t, w.AuthorizeURL(once, "resource", api)); page.Callback.Get("code") == "" {
			t.Errorf("another name: %d %s", page.Status, page.URL)
		}
		again := keeps
		again.Generation = 3
		once.Registration.Managed, once.Registration.GrantTypes = &again, []oauth.GrantType{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
		w.MustRegister(t, once)
		if page := b.Get(t, w.AuthorizeURL(once, "resource", api)); !page.AsksConsent() {
			t.Errorf("refresh tokens: %d %s", page.Status, page.URL)
		}
	})
}

// TestS1HostsOfDeclaredClientsAreNotForStrangers: RFC 6749, Section 10.2.
func TestS1HostsOfDeclaredClientsAreNotForStrangers(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on) // its clients are at app.example
		register := func(token, members string, redirectURIs ...string) authtest.Answer {
			return w.SendText(t, http.MethodPost, "/oauth/register", token, strangerBody("", members, redirectURIs...))
		}
		for rule, c := range map[string]struct {
			uris   []string
			member string
			want   string
		}{
			"the same URI":          {[]string{authtest.Redirect}, "", "invalid_redirect_uri"},
			"another path":          {[]string{"https://app.example/mine"}, "", "invalid_redirect_uri"},
			"another port":          {[]string{"https://app.example:8443/cb"}, "", "invalid_redirect_uri"},
			"among others":          {[]string{goodPlace, "https://app.example/mine"}, "", "invalid_redirect_uri"},
			"after signing out":     {[]string{goodPlace}, `"post_logout_redirect_uris":["https://app.example/bye"]`, "invalid_client_metadata"},
			"a host below":          {[]string{"https://x.app.example/cb"}, "", ""},
			"on this computer":      {[]string{"http://localhost/cb"}, "", ""},
			"somebody else's hosts": {[]string{goodPlace}, "", ""},
		} {
			if a := register("", c.member, c.uris...); a.Error() != c.want {
				t.Errorf("%s: %d %s, want %q", rule, a.Status, a.Body, c.want)
			}
		}
		if a := register(authtest.RegisterToken, "", "https://app.example/mine"); a.Status != http.StatusCreated {
			t.Errorf("somebody with verb register: %d %s", a.Status, a.Body)
		}
		app, b := w.stranger(t, `"post_logout_redirect_uris":["https://github.com/bye"]`, goodPlace, evilPlace), w.NewBrowser(t)
		if a := app.send(t, http.MethodPut, app.token, strangerBody(app.id, "", goodPlace, "https://app.example/mine")); a.Error() != "invalid_redirect_uri" {
			t.Errorf("update: %d %s", a.Status, a.Body)
		}

		t.Run("a declared client comes later", func(t *testing.T) {
			code := w.allow(t, b, app, goodPlace)
			refresh := w.redeem(t, app, goodPlace, code).Member("refresh_token")
			open := w.ask(t, b, app, goodPlace, "prompt", "consent")
			pushed := w.post(t, "/oauth/par", "client_id", app.id, "response_type", "code", "redirect_uri", goodPlace, "resource", api,
				"code_challenge", authtest.Challenge(), "code_challenge_method", "S256")
			later := authtest.NewClient("later", authtest.WithCode("read", api), func(r *oauth.Registration) { r.RedirectURIs = []string{"https://github.com/login"} })
			w.MustRegister(t, later)
			for rule, page := range map[string]authtest.Page{
				"a request":                    w.ask(t, b, app, goodPlace),
				"prompt=none":                  w.ask(t, b, app, goodPlace, "prompt", "none"),
				"a consent page that was open": b.Submit(t, open, "decision", "allow"),
				"a pushed request":             b.Get(t, w.Issuer+"/oauth/authorize?"+url.Values{"client_id": {app.id}, "request_uri": {pushed.Member("request_uri")}}.Encode()),
			} {
				if page.Status != http.StatusBadRequest || page.Callback != nil || page.AsksConsent() {
					t.Errorf("%s: %d %s", rule, page.Status, page.URL)
				}
			}
			if a := w.post(t, "/oauth/par", "client_id", app.id, "response_type", "code", "redirect_uri", goodPlace, "resource", api,
				"code_challenge", authtest.Challenge(), "code_challenge_method", "S256"); a.Status != http.StatusBadRequest {
				t.Errorf("pushing: %d %s", a.Status, a.Body)
			}
			if page := w.NewBrowser(t).Get(t, w.URL+"/oauth/logout?"+values("client_id", app.id, "post_logout_redirect_uri", "https://github.com/bye").Encode()); page.Status != http.StatusBadRequest || strings.Contains(page.Body, "github.com") {
				t.Errorf("after signing out: %d %s", page.Status, page.Body)
			}
			if a := w.renew(t, app, refresh); a.Status != http.StatusOK { // what was allowed stays allowed
				t.Errorf("refresh: %d %s", a.Status, a.Body)
			}
			w.wantAsked(t, b, app, evilPlace)
			if page := b.Get(t, w.AuthorizeURL(later, "resource", api, "redirect_uri", "https://github.com/login")); !page.AsksConsent() {
				t.Errorf("the declared client: %d %s", page.Status, page.URL)
			}
			// It goes again.
			path := "/oauth/register/apps.later?owner_namespace=apps&owner_name=later&owner_uid=uid-later&counter=1"
			if a := w.SendText(t, http.MethodDelete, path, authtest.RegistrarToken, ""); a.Status != http.StatusNoContent {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			w.wantCode(t, b, app, goodPlace)
		})
	})
}

// TestS1HostsAfterSigningOutAreNotForStrangers: a declared client is answered at its
// post-logout redirect URIs too.
func TestS1HostsAfterSigningOutAreNotForStrangers(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	const after = "https://www.shop.example/bye"
	app, b := w.stranger(t, "", "https://www.shop.example/cb"), w.NewBrowser(t)
	w.MustRegister(t, authtest.NewClient("shop", authtest.WithCode("read", api), func(r *oauth.Registration) { r.PostLogoutRedirectURIs = []string{after} }))
	if page := w.ask(t, b, app, "https://www.shop.example/cb"); page.Status != http.StatusBadRequest || page.Callback != nil {
		t.Errorf("registered before: %d %s", page.Status, page.URL)
	}
	for want, body := range map[string]string{
		"invalid_redirect_uri":    strangerBody("", "", "https://www.shop.example/cb"),
		"invalid_client_metadata": strangerBody("", `"post_logout_redirect_uris":["`+after+`"]`, goodPlace),
	} {
		if a := selfRegister(t, w.Server, body); a.Error() != want {
			t.Errorf("%d %s, want %s", a.Status, a.Body, want)
		}
	}
}

// What a stranger's client says of itself is not a place: neither its name nor its pages
// lend it another host.
func TestS1ClaimsOfAnotherHostAreNotItsPlace(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	claims := `"client_name":"github.com","client_uri":"https://github.com/about","policy_uri":"https://github.com/p","tos_uri":"https://github.com/t"`
	for rule, c := range map[string]struct {
		to     string
		linked bool
	}{
		"elsewhere":        {"https://evil.example/cb", false},
		"a host below":     {"https://github.com.evil.example/cb", false},
		"on this computer": {"http://localhost/cb", false},
		"its own site":     {"https://app.github.com/cb", true},
	} {
		app, b := w.stranger(t, claims, c.to), w.NewBrowser(t)
		page := b.SignIn(t, w.ask(t, b, app, c.to), "ada")
		if linked := strings.Contains(page.Body, `href="https://github.com/`); !page.AsksConsent() || linked != c.linked {
			t.Errorf("%s: linked: %v, want %v\n%s", rule, linked, c.linked, page.Body)
		}
		if head := section(t, page.Body, "<h1>", "</h1>"); !c.linked && strings.HasPrefix(head, "github.com") {
			t.Errorf("%s: headed %s", rule, head)
		}
	}
}
