package authserver_test

import (
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
)

// authTime is what the ID token of a code says; nil: nothing.
func (w atWork) authTime(t *testing.T, p authtest.Page) any {
	t.Helper()
	code := p.Callback.Get("code")
	if code == "" {
		t.Fatalf("no code: %d %s\n%s", p.Status, p.URL, p.Body)
	}
	return claims(t, w.Issuer, "apps.web", w.MustExchange(t, w.web, code).Member("id_token"))["auth_time"]
}

// The password was given at the provider hours ago, and nothing since: an app is
// told so, and one that wants a recent sign-in has the person asked again (OpenID
// Connect Core, Section 3.1.2.1).
func TestUpstreamSingleSignOnIsNoNewSignIn(t *testing.T) {
	const scope = "openid orders.read"
	for name, c := range map[string]struct {
		since time.Duration // ago; 0: the provider does not say
	}{"auth_time": {48 * time.Hour}, "no auth_time": {}} {
		t.Run(name, func(t *testing.T) {
			w := signInAtWork(t, nil)
			var since time.Time
			var first any
			if c.since != 0 {
				since = w.Clock.Now().Add(-c.since)
				first = float64(since.Unix())
			}
			w.idp.SignedOn = &since
			b := w.NewBrowser(t)
			page := w.through(t, b, b.Get(t, w.AuthorizeURL(w.web, "scope", scope)))
			if got := w.authTime(t, b.Submit(t, page, "decision", "allow")); got != first {
				t.Errorf("auth_time %v, want %v", got, first)
			}
			if page = b.Get(t, w.Issuer+"/account"); !strings.Contains(page.Body, `Signed in <time datetime="`+w.Clock.Now().UTC().Format("2006-01-02")) {
				t.Errorf("the account page does not say when the session began\n%s", page.Body)
			}
			if page = b.Get(t, w.AuthorizeURL(w.web, "scope", scope, "prompt", "none")); page.Callback.Get("code") == "" {
				t.Errorf("without max_age the session will do: %s", page.URL)
			}
			if page = b.Get(t, w.AuthorizeURL(w.web, "scope", scope, "max_age", "300", "prompt", "none")); page.Callback.Get("error") != "login_required" {
				t.Errorf("max_age=300 is satisfied: %s", page.URL)
			}
			for _, wants := range [][]string{{"max_age", "300"}, {"prompt", "login"}} {
				page = b.Get(t, w.AuthorizeURL(w.web, append(wants, "scope", scope)...))
				if !page.AsksPassword() {
					t.Fatalf("%v is satisfied: %s", wants, page.URL)
				}
				now := time.Now() // the provider's clock
				got, _ := w.authTime(t, w.through(t, b, page)).(float64)
				if at := time.Unix(int64(got), 0); at.Before(now.Add(-time.Minute)) {
					t.Errorf("%v: auth_time %s, want about %s", wants, at, now)
				}
			}
		})
	}
}

// A provider that says that it did not do as it was asked is not gone round: the
// person is told, and the app gets no code.
func TestUpstreamThatIgnoresPromptLogin(t *testing.T) {
	w := signInAtWork(t, nil)
	since := w.Clock.Now().Add(-2 * time.Hour)
	w.idp.SignedOn, w.idp.IgnoresPrompt = &since, true
	b := w.NewBrowser(t)
	page := w.through(t, b, b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read", "prompt", "login")))
	if !page.AsksPassword() || !strings.Contains(page.Body, "The service you chose did not sign you in") {
		t.Fatalf("%d %s\n%s", page.Status, page.URL, page.Body)
	}
	if page = b.Get(t, w.Issuer+"/account"); !page.AsksPassword() {
		t.Error("a session began")
	}
	if log := w.Log.String(); !strings.Contains(log, "asked to authenticate the person anew") {
		t.Errorf("the log does not say why:\n%s", log)
	}
}
