package web

import (
	"net/http/httptest"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
)

// TestS1PlacesShownArePlacesRemembered: two redirect URIs look the same on pages if and
// only if a consent to one counts for the other.
func TestS1PlacesShownArePlacesRemembered(t *testing.T) {
	uris := []string{
		"https://app.example/cb", "https://app.example:443/x?y=z", "https://app.example:8443/cb", "https://www.app.example/cb",
		"https://xn--80ak6aa92e.example/cb", "https://192.0.2.7/cb", "https://[2001:db8::1]/cb", "https://[2001:db8::1]:8443/cb",
		"http://localhost/cb", "http://localhost:7/cb", "http://127.0.0.1/cb", "http://[::1]:9/cb", "https://localhost:8443/cb",
		"https://app.localhost/cb", "https://127.0.0.2/cb", "https://0.0.0.0/cb", "https://localhost.example/cb",
		"com.example.app:/cb", "com.example.app://host/other", "com.example.other:/cb", "cursor://a/cb",
	}
	for _, a := range uris {
		for _, b := range uris {
			remembered := parse(t, a).Place() == parse(t, b).Place()
			if shown := placeOf(a).general() == placeOf(b).general(); shown != remembered {
				t.Errorf("%s and %s: shown as one %v, remembered as one %v", a, b, shown, remembered)
			}
		}
		if got, want := PlaceNamed(parse(t, a).Place()), placeOf(a).general(); got != want {
			t.Errorf("%s: its name gives %v, want %v", a, got, want)
		}
	}
}

func parse(t *testing.T, s string) oauth.RedirectURI {
	t.Helper()
	uri, err := oauth.ParseRedirectURI(s, oauth.AnyPrivateUse)
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return uri
}

func TestS8TheRegistrableDomainStandsOut(t *testing.T) {
	for uri, want := range map[string][2]string{
		"https://evil.example/cb":                  {"", "evil.example"},
		"https://accounts.google.com.evil.example": {"accounts.google.com.", "evil.example"},
		"https://app.example.co.uk:8443/cb":        {"app.", "example.co.uk:8443"},
		"https://somebody.github.io/cb":            {"", "somebody.github.io"},
		"https://github.io/cb":                     {"", "github.io"},
		"https://intranet/cb":                      {"", "intranet"},
		"https://192.0.2.7:8443/cb":                {"", "192.0.2.7:8443"},
		"https://[2001:db8::1]/cb":                 {"", "[2001:db8::1]"},
		"https://[2001:db8::1]:8443/cb":            {"", "[2001:db8::1]:8443"},
		"https://a.xn--80ak6aa92e.example:443/":    {"a.", "xn--80ak6aa92e.example"},
	} {
		p := placeOf(uri)
		if got := [2]string{p.Front(), p.Site()}; got != want || p.Front()+p.Site() != p.Host {
			t.Errorf("%s: %q, want %q", uri, got, want)
		}
	}
}

// TestS8AHostIsNeverCut: what is cut could be the part that tells whose it is.
func TestS8AHostIsNeverCut(t *testing.T) {
	host := "accounts.google.com." + strings.Repeat("a-rather-long-label-to-fill-a-line.", 6) + "evil.example"
	uri := "https://" + host + "/cb"
	stranger := App{ClientID: "id", Name: "Google", RedirectURIs: []string{uri, "https://other.example/cb"}}
	p := newPages(t)
	for name, show := range map[string]func(w *httptest.ResponseRecorder) error{
		"consent": func(w *httptest.ResponseRecorder) error {
			return p.Consent(w, Consent{App: stranger, RedirectURI: uri})
		},
		"elsewhere": func(w *httptest.ResponseRecorder) error {
			return p.Consent(w, Consent{App: stranger, RedirectURI: "https://other.example/cb"})
		},
		"sign-in": func(w *httptest.ResponseRecorder) error {
			return p.SignIn(w, SignIn{Local: true, App: &stranger, RedirectURI: uri})
		},
		"onward":     func(w *httptest.ResponseRecorder) error { return p.Onward(w, Onward{Status: 400, RedirectURI: uri}) },
		"form post":  func(w *httptest.ResponseRecorder) error { return p.FormPost(w, FormPost{RedirectURI: uri}) },
		"signed out": func(w *httptest.ResponseRecorder) error { return p.SignedOut(w, SignedOut{RedirectURI: uri}) },
		"account": func(w *httptest.ResponseRecorder) error {
			return p.Account(w, Account{Apps: []AccountApp{{App: stranger}}})
		},
	} {
		w := httptest.NewRecorder()
		if err := show(w); err != nil {
			t.Fatal(err)
		}
		body := w.Body.String()
		if !strings.Contains(body, `<span class="front">`+strings.TrimSuffix(host, "evil.example")+`</span>evil.example`) {
			t.Errorf("%s: the host is not there, or not whole:\n%s", name, body)
		}
		if title, _, _ := strings.Cut(body, "</title>"); strings.Contains(title, "google.com") {
			t.Errorf("%s: a browser would cut the title to %q", name, title)
		}
	}
}

// TestS1TheConsentPageNamesEveryPlace.
func TestS1TheConsentPageNamesEveryPlace(t *testing.T) {
	app := App{ClientID: "id", Name: "x", Homepage: "https://evil.example/about", RedirectURIs: []string{
		"https://github.com/cb", "https://evil.example/cb", "http://localhost:1/cb", "com.example.app:/cb", "http://127.0.0.1:2/cb", "https://evil.example/2",
	}}
	const evil, github = `<strong class="host">evil.example</strong>`, `<strong class="host">github.com</strong>`
	const computer, device = "<strong>an app on this computer</strong>", "<strong>an app on this device</strong> (<code>com.example.app</code>)"
	for uri, want := range map[string]string{
		"https://github.com/cb": evil + ", " + computer + " and " + device,
		"http://localhost:9/cb": github + ", " + evil + " and " + device,
		"com.example.app:/cb":   github + ", " + evil + " and " + computer,
	} {
		w := httptest.NewRecorder()
		if err := newPages(t).Consent(w, Consent{App: app, RedirectURI: uri}); err != nil {
			t.Fatal(err)
		}
		if body := w.Body.String(); !strings.Contains(body, "It also leads to "+want+".") || strings.Contains(body, app.Homepage) {
			t.Errorf("%s: want %s, and no link to another site, in\n%s", uri, want, body)
		}
	}
}
