package authserver_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
)

// posted is an authorization request as an app's page posts it (OpenID Connect Core
// 1.0, Section 3.1.2.1).
func (w *world) posted(t *testing.T, c authtest.Client, change ...string) *http.Request {
	t.Helper()
	address, form, _ := strings.Cut(w.AuthorizeURL(c, change...), "?")
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", formType)
	r.Header.Set("Origin", "https://app.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	return r
}

// TestRequestsThatAppsPost: the browser brings no cookie to them, and the requests
// mean what they do by GET.
func TestRequestsThatAppsPost(t *testing.T) {
	w := users(t, authtest.Config{})
	b := w.NewBrowser(t)
	scope := []string{"scope", "openid orders.read"}
	w.Code(t, b, w.web, "ada", scope...)
	w.Pass(t, time.Hour)
	if p := b.SendBare(t, w.posted(t, w.web, scope...)); p.Callback.Get("code") == "" || p.Callback.Get("state") != "the state" {
		t.Errorf("with a session and a consent: %d %s", p.Status, p.URL)
	}
	for _, change := range [][]string{{"prompt", "login"}, {"prompt", "select_account"}, {"max_age", "0"}, {"max_age", "60"}} {
		p := b.SendBare(t, w.posted(t, w.web, append(change, scope...)...))
		if !p.AsksPassword() {
			t.Errorf("%v: no sign-in page: %d %s", change, p.Status, p.URL)
			continue
		}
		if p = b.SignIn(t, p, "ada"); p.Callback.Get("code") == "" {
			t.Errorf("%v, after signing in: %d %s", change, p.Status, p.URL)
		}
		w.Pass(t, time.Hour)
	}
	if p := b.SendBare(t, w.posted(t, w.web, "prompt", "none", "scope", "orders.write")); p.Callback.Get("error") != "consent_required" {
		t.Errorf("prompt none: %d %s", p.Status, p.URL)
	}
	if p := b.SendBare(t, w.posted(t, w.web, "state", strings.Repeat("s", 20<<10))); p.Status != http.StatusBadRequest {
		t.Errorf("A15: %d", p.Status)
	}
}

// TestRequestThatCameWithoutItsCookie: a session that was there when the request came
// is not a new sign-in, even if nobody saw it then.
func TestRequestThatCameWithoutItsCookie(t *testing.T) {
	w := users(t, authtest.Config{})
	b := w.NewBrowser(t)
	w.Code(t, b, w.web, "ada", "scope", "openid orders.read")
	w.Pass(t, time.Hour)
	for _, prompt := range []string{"login", "select_account"} {
		address := w.AuthorizeURL(w.web, "scope", "openid orders.read", "prompt", prompt)
		if p := b.SendBare(t, request(t, address)); !p.AsksPassword() {
			t.Errorf("prompt=%s: no sign-in page: %d %s", prompt, p.Status, p.URL)
		}
	}
}

// TestA20AStrangersFormEndsNoPendingSignIn: any site can post here.
func TestA20AStrangersFormEndsNoPendingSignIn(t *testing.T) {
	w := users(t, authtest.Config{})
	b := w.NewBrowser(t)
	page := b.Get(t, w.AuthorizeURL(w.web))
	before := cookies(b, w.URL)
	b.SendBare(t, w.posted(t, w.other))
	if after := cookies(b, w.URL); len(before) != 1 || len(after) != 1 || after[0].Value != before[0].Value {
		t.Error("the cookie of the open sign-in page was replaced")
	}
	if p := b.SignIn(t, page, "ada"); !p.AsksConsent() {
		t.Errorf("the sign-in page that was open meanwhile: %d", p.Status)
	}
}

// TestHEADUsesNothingUp: link previews send it.
func TestHEADUsesNothingUp(t *testing.T) {
	w := users(t, authtest.Config{})
	query := url.Values{"client_id": {"apps.public"}, "request_uri": {w.push(t, w.public).Member("request_uri")}}.Encode()
	if a := w.Do(t, http.MethodHead, "/oauth/authorize?"+query, ""); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("HEAD: %d", a.Status)
	}
	if p := w.NewBrowser(t).Get(t, w.Issuer+"/oauth/authorize?"+query); !p.AsksPassword() {
		t.Errorf("GET after HEAD: %d %s", p.Status, p.Body)
	}
}
