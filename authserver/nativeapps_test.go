package authserver_test

import (
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

// TestConsentOfAppsThatCouldBeOthers: RFC 8252, Section 8.6, as far as DIVERGENCES.md
// says.
func TestConsentOfAppsThatCouldBeOthers(t *testing.T) {
	w := users(t, authtest.Config{})
	const scheme, loopback, web = "com.example.app:/cb", "http://127.0.0.1/cb", "https://app.example/native"
	at := func(r *oauth.Registration) { r.RedirectURIs = []string{scheme, loopback, web} }
	withCode := authtest.WithCode("orders.read", orders)
	public := w.MustRegister(t, authtest.NewClient("native", withCode, authtest.Public, at))
	confidential := w.MustRegister(t, authtest.NewClient("secretive", withCode, at))
	trusted := w.MustRegister(t, authtest.NewClient("trusted", withCode, authtest.Public, at, func(r *oauth.Registration) { r.Managed.Trusted = true }))
	for _, c := range []struct {
		rule   string
		client authtest.Client
		to     string
		again  bool
	}{
		{"private-use scheme", public, scheme, true},
		{"private-use scheme, trusted", trusted, scheme, true},
		{"loopback, whatever port", public, "http://127.0.0.1:6666/cb", false},
		{"web", public, web, false},
		{"private-use scheme, confidential", confidential, scheme, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			b := w.NewBrowser(t)
			asked := w.AuthorizeURL(c.client, "redirect_uri", c.to)
			if first := b.Complete(t, b.Get(t, asked), "ada"); first.Callback.Get("code") == "" {
				t.Fatalf("%d %s", first.Status, first.URL)
			}
			page := b.Get(t, asked)
			if page.AsksConsent() != c.again || c.again == page.Callback.Has("code") {
				t.Errorf("asked again: %v, want %v; %s", page.AsksConsent(), c.again, page.URL)
			}
			if c.again && !strings.Contains(page.Body, "You have already allowed it to") {
				t.Error("the page does not say that it was allowed before")
			}
			quiet := b.Get(t, w.AuthorizeURL(c.client, "redirect_uri", c.to, "prompt", "none"))
			if got := quiet.Callback.Get("error"); (got == "consent_required") != c.again {
				t.Errorf("prompt=none: %s", quiet.URL)
			}
		})
	}
}

// TestFormPostToADeviceIsRefused: a form can only be posted to a web address.
func TestFormPostToADeviceIsRefused(t *testing.T) {
	w := users(t, authtest.Config{})
	const scheme = "com.example.app:/cb"
	native := w.MustRegister(t, authtest.NewClient("native", authtest.WithCode("orders.read", orders), authtest.Public, func(r *oauth.Registration) { r.RedirectURIs = []string{scheme} }))
	b := w.NewBrowser(t)
	page := b.Get(t, w.AuthorizeURL(native, "redirect_uri", scheme, "response_mode", "form_post"))
	if page.Callback.Get("error") != "invalid_request" || !strings.HasPrefix(page.URL, scheme+"?") {
		t.Errorf("%d %s", page.Status, page.URL)
	}
}

// TestAppsWhoseSchemeHasNoPeriod: such as Cursor, whether it registers itself or is
// declared. Any app on the device may claim the scheme, so people are asked every time;
// and without the setting nobody is sent there.
func TestAppsWhoseSchemeHasNoPeriod(t *testing.T) {
	const to = "cursor://anysphere.cursor-mcp/oauth/callback"
	w := peopleAt(t, authtest.Start(t, open(authtest.Config{}, func(r *endpoint.RegistrationSettings) { r.PrivateUseSchemes = []string{"cursor"} })))
	a := selfRegister(t, w.Server, cursor)
	if a.Status != 201 || !strings.Contains(a.Body, `"redirect_uris":["`+to+`","https://www.cursor.com/agents/mcp/oauth/callback","http://localhost:8787/callback"]`) ||
		a.Member("application_type") != "native" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	self := authtest.Client{Registration: oauth.Registration{ClientID: a.Member("client_id"), TokenEndpointAuthMethod: oauth.AuthNone}}
	declared := w.MustRegister(t, authtest.NewClient("cursor", authtest.WithCode("read", api), authtest.Public, func(r *oauth.Registration) {
		r.RedirectURIs, r.Managed.Trusted = []string{to}, true
	}))
	for rule, c := range map[string]authtest.Client{"registered itself": self, "declared, and trusted": declared} {
		t.Run(rule, func(t *testing.T) {
			w.Settings.Registration.PrivateUseSchemes = []string{"cursor"}
			w.Reload(t)
			b := w.NewBrowser(t)
			asked := w.AuthorizeURL(c, "redirect_uri", to, "resource", api)
			answer := b.Complete(t, b.Get(t, asked), "ada")
			code := answer.Callback.Get("code")
			if code == "" || !strings.HasPrefix(answer.URL, to) {
				t.Fatalf("%d %s", answer.Status, answer.URL)
			}
			if a := w.Token(t, c, "grant_type", "authorization_code", "code", code, "redirect_uri", to, "code_verifier", authtest.Verifier); a.Status != 200 {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			if page := b.Get(t, asked); !page.AsksConsent() {
				t.Errorf("not asked again: %d %s", page.Status, page.URL)
			}
			w.Settings.Registration.PrivateUseSchemes = nil
			w.Reload(t)
			if page := b.Get(t, asked); page.Status != http.StatusBadRequest || page.Callback != nil {
				t.Errorf("the scheme is not permitted any more: %d %s", page.Status, page.URL)
			}
		})
	}
}

// TestFormsMayEndAtEveryHostThatMayBeRegistered (INTEROP 6): what the rule of
// redirect URIs lets through, the page's policy does too.
func TestFormsMayEndAtEveryHostThatMayBeRegistered(t *testing.T) {
	w := users(t, authtest.Config{})
	generation := int64(0)
	for to, want := range map[string]string{
		"https://my_app.example/cb":          "form-action 'self' https:;",
		"https://xn--bcher-kva.example:8/cb": "form-action 'self' https:;",
		"https://192.0.2.7/cb":               "form-action 'self' https:;",
		"https://[2001:db8::1]/cb":           "form-action 'self' https:;",
		"http://localhost:7/cb":              "form-action 'self' http://localhost:7 https:;",
		"com.example-1.app:/cb":              "form-action 'self' com.example-1.app:;",
	} {
		generation++
		c := w.MustRegister(t, authtest.NewClient("host", authtest.WithCode("orders.read", orders), func(r *oauth.Registration) {
			r.RedirectURIs, r.Managed.Generation = []string{to}, generation
		}))
		page := w.NewBrowser(t).Get(t, w.AuthorizeURL(c, "redirect_uri", to))
		if got := page.Header.Get("Content-Security-Policy"); !page.AsksPassword() || !strings.Contains(got, want) {
			t.Errorf("%s: %d, policy %s", to, page.Status, got)
		}
	}
}
