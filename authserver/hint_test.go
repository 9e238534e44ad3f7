package authserver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
)

// TestNobodyElseIsAnsweredForThanIDTokenHintNames (OpenID Connect Core 1.0, Section
// 3.1.2.2), however the request comes.
func TestNobodyElseIsAnsweredForThanIDTokenHintNames(t *testing.T) {
	w := users(t, authtest.Config{})
	scope := []string{"scope", "openid orders.read"}
	signedIn := func(username string) (*authtest.Browser, string) {
		b := w.NewBrowser(t)
		return b, w.MustExchange(t, w.web, w.Code(t, b, w.web, username, scope...)).Member("id_token")
	}
	ada, adas := signedIn("ada")
	_, bobs := signedIn("bob")
	w.Pass(t, time.Hour) // both have expired, and are hints all the same

	for name, ask := range map[string]func(change ...string) authtest.Page{
		"GET":  func(change ...string) authtest.Page { return ada.Get(t, w.AuthorizeURL(w.web, change...)) },
		"POST": func(change ...string) authtest.Page { return ada.SendBare(t, w.posted(t, w.web, change...)) },
		"pushed": func(change ...string) authtest.Page {
			uri := w.push(t, w.web, change...)
			if uri.Status != http.StatusCreated {
				t.Fatalf("pushed: %d %s", uri.Status, uri.Body)
			}
			return ada.Get(t, w.AuthorizeURL(w.web, "request_uri", uri.Member("request_uri")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			with := func(hint string, more ...string) authtest.Page {
				return ask(append([]string{"id_token_hint", hint}, append(more, scope...)...)...)
			}
			if p := with(adas, "prompt", "none"); p.Callback.Get("code") == "" {
				t.Errorf("her own: %d %s", p.Status, p.URL)
			}
			if p := with(bobs, "prompt", "none"); p.Callback.Get("error") != "login_required" || p.Callback.Has("code") {
				t.Errorf("another person's, prompt=none: %d %s", p.Status, p.URL)
			}
			if p := with(bobs); !p.AsksPassword() {
				t.Errorf("another person's: no sign-in page: %d %s", p.Status, p.URL)
			}
		})
	}

	t.Run("whoever signs in then", func(t *testing.T) {
		b, _ := signedIn("ada")
		page := b.Get(t, w.AuthorizeURL(w.web, append(scope, "id_token_hint", bobs)...))
		if again := b.Get(t, page.URL); !again.AsksPassword() {
			t.Errorf("opened again: %d %s", again.Status, again.URL)
		}
		if p := b.SignIn(t, page, "ada"); p.Callback.Get("error") != "login_required" || p.Callback.Has("code") {
			t.Errorf("the one who was there: %d %s", p.Status, p.URL)
		}
		w.Pass(t, time.Second)
		page = b.Get(t, w.AuthorizeURL(w.web, append(scope, "id_token_hint", bobs)...))
		p := b.SignIn(t, page, "bob")
		if sub := claims(t, w.Issuer, "apps.web", w.MustExchange(t, w.web, p.Callback.Get("code")).Member("id_token"))["sub"]; sub != "user/bob" {
			t.Errorf("the tokens are of %v", sub)
		}
	})
}

func TestA7HintsThatAreNone(t *testing.T) {
	w := users(t, authtest.Config{})
	b := w.NewBrowser(t)
	code := w.MustExchange(t, w.web, w.Code(t, b, w.web, "ada", "scope", "openid orders.read"))
	hint := code.Member("id_token")
	part := strings.Split(hint, ".")
	for rule, text := range map[string]string{
		"garbage":               "garbage",
		"A13: truncated":        hint[:len(hint)-1],
		"no signature":          "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0." + part[1] + ".",
		"an access token":       code.Member("access_token"),
		"another client's":      w.MustExchange(t, w.public, w.Code(t, b, w.public, "ada", "scope", "openid")).Member("id_token"),
		"A15: huge":             hint + strings.Repeat("A", 3<<10),
		"another server's":      users(t, authtest.Config{}).hintOf(t, "ada"),
		"A13: another encoding": hint + "=",
	} {
		for _, prompt := range []string{"", "none"} {
			p := b.Get(t, w.AuthorizeURL(w.web, "scope", "openid orders.read", "prompt", prompt, "id_token_hint", text))
			if p.Callback.Get("error") != "invalid_request" || p.Callback.Get("iss") != w.Issuer || p.Callback.Has("code") {
				t.Errorf("%s, prompt %q: %d %s", rule, prompt, p.Status, p.URL)
			}
		}
		if a := w.push(t, w.web, "id_token_hint", text); a.Error() != "invalid_request" {
			t.Errorf("%s, pushed: %d %s", rule, a.Status, a.Body)
		}
	}
}

// hintOf is an ID token of somebody.
func (w *world) hintOf(t *testing.T, username string) string {
	t.Helper()
	return w.MustExchange(t, w.web, w.Code(t, w.NewBrowser(t), w.web, username, "scope", "openid")).Member("id_token")
}
