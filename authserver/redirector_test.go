package authserver_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

const stranger = "https://phish.example/login"

// registered is a client that registered itself; with a token, as somebody known.
func (w *people) registered(t *testing.T, token, redirectURI string) authtest.Client {
	t.Helper()
	a := w.SendText(t, http.MethodPost, "/oauth/register", token, `{"client_name":"Your Bank","redirect_uris":["`+redirectURI+`"],"post_logout_redirect_uris":["`+redirectURI+`"]}`)
	if a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	return authtest.Client{Registration: oauth.Registration{ClientID: a.Member("client_id"), TokenEndpointAuthMethod: oauth.AuthNone}}
}

// wayOn is where the link of a page leads to the client, with what parameters.
func wayOn(p authtest.Page) (address string, parameters url.Values) {
	link := regexp.MustCompile(`href="(https://phish\.example/login[^"]*)"`).FindStringSubmatch(p.Body)
	if link == nil {
		return "", nil
	}
	address, query, _ := strings.Cut(html.UnescapeString(link[1]), "?")
	parameters, _ = url.ParseQuery(query)
	return address, parameters
}

// TestA9NobodyIsSentToAStrangersPageUnasked: RFC 9700, Section 4.11.2. Anybody may
// have registered the client, to lead people from a host that they trust to another.
func TestA9NobodyIsSentToAStrangersPageUnasked(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	c := w.registered(t, "", stranger)
	ask := func(b *authtest.Browser, change ...string) authtest.Page {
		return b.Get(t, w.AuthorizeURL(c, append([]string{"redirect_uri", stranger, "resource", api}, change...)...))
	}
	for rule, x := range map[string]struct {
		change []string
		want   string
	}{
		"a bad request":                   {[]string{"response_type", "foo"}, "unsupported_response_type"},
		"a bad scope":                     {[]string{"scope", `"`}, "invalid_scope"},
		"a bad request, and prompt=none":  {[]string{"response_type", "foo", "prompt", "none"}, "unsupported_response_type"},
		"a hint that is none":             {[]string{"id_token_hint", "x"}, "invalid_request"},
		"the answer in a form, and error": {[]string{"response_mode", "form_post", "response_type", "foo"}, "unsupported_response_type"},
	} {
		t.Run(rule, func(t *testing.T) {
			p := ask(w.NewBrowser(t), x.change...)
			if p.Status != http.StatusBadRequest || p.Callback != nil || p.Header.Get("Refresh") != "" || strings.Contains(p.Body, "<script") {
				t.Fatalf("%d %s", p.Status, p.URL)
			}
			host, name := strings.Index(p.Body, `<strong class="host">phish.example</strong>`), strings.Index(p.Body, "Your Bank")
			if host < 0 || name >= 0 || !strings.Contains(p.Body, "This app is not verified") {
				t.Errorf("the page does not name the host, or repeats what the app calls itself:\n%s", p.Body)
			}
			address, there := wayOn(p)
			if rule == "the answer in a form, and error" {
				address, there = p.Form()
			}
			if address != stranger || there.Get("error") != x.want || there.Get("state") != "the state" || there.Get("iss") != w.Issuer || there.Has("code") {
				t.Errorf("the way on is %s %v, want %s with state and iss", address, there, x.want)
			}
		})
	}
	t.Run("signed in, and never asked about the app", func(t *testing.T) {
		b := w.NewBrowser(t)
		b.SignIn(t, b.Get(t, w.URL+"/account"), "ada")
		w.Pass(t, 2e9)
		if p := ask(b, "prompt", "none"); p.Callback.Get("error") != "consent_required" {
			t.Errorf("prompt=none: %d %s", p.Status, p.URL)
		}
		if p := b.Complete(t, ask(b), "ada"); p.Callback.Get("code") == "" {
			t.Errorf("asked, and allowed: %d %s", p.Status, p.URL)
		}
		if p := ask(b, "prompt", "none"); p.Callback.Get("code") == "" {
			t.Errorf("prompt=none, allowed before: %d %s", p.Status, p.URL)
		}
	})
	t.Run("prompt=none is answered without a page", func(t *testing.T) {
		if p := ask(w.NewBrowser(t), "prompt", "none"); p.Callback.Get("error") != "login_required" || p.Callback.Get("iss") != w.Issuer {
			t.Errorf("nobody signed in: %d %s", p.Status, p.URL)
		}
	})
	t.Run("whoever read where it leads is sent there", func(t *testing.T) {
		b := w.NewBrowser(t)
		page := ask(b, "scope", "not.to.be.had")
		if !page.AsksPassword() || !strings.Contains(page.Body, "phish.example") {
			t.Fatalf("the sign-in page: %d %s", page.Status, page.Body)
		}
		if p := b.SignIn(t, page, "ada"); p.Callback.Get("error") != "invalid_scope" {
			t.Errorf("after signing in: %d %s", p.Status, p.URL)
		}
		if p := b.Submit(t, ask(b, "prompt", "consent"), "decision", "deny"); p.Callback.Get("error") != "access_denied" {
			t.Errorf("denied: %d %s", p.Status, p.URL)
		}
	})
}

// TestVouchedClientsAreRedirectedTo: by a registrar (TestA18…), by somebody known, or
// to a program on the person's own machine.
func TestVouchedClientsAreRedirectedTo(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	for rule, x := range map[string]struct{ token, to string }{
		"registered by somebody known": {authtest.RegisterToken, stranger},
		"on loopback":                  {"", "http://127.0.0.1:7777/cb"},
	} {
		c := w.registered(t, x.token, x.to)
		for _, change := range [][]string{{"response_type", "foo"}, {"prompt", "none"}} {
			p := w.NewBrowser(t).Get(t, w.AuthorizeURL(c, append(change, "redirect_uri", x.to)...))
			if p.Callback.Get("error") == "" || p.Callback.Get("state") != "the state" {
				t.Errorf("%s: %v: %d %s", rule, change, p.Status, p.URL)
			}
		}
		if p := w.NewBrowser(t).Get(t, w.URL+"/oauth/logout?"+values("client_id", c.Registration.ClientID, "post_logout_redirect_uri", x.to).Encode()); p.URL != x.to {
			t.Errorf("%s: signed out: %d %s", rule, p.Status, p.URL)
		}
	}
}

// TestSigningOutLeadsNobodyToAStrangersPage: the same, for post_logout_redirect_uri.
func TestSigningOutLeadsNobodyToAStrangersPage(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	c := w.registered(t, "", stranger)
	logout := func(form ...string) string {
		return w.URL + "/oauth/logout?" + values(append(form, "client_id", c.Registration.ClientID, "post_logout_redirect_uri", stranger, "state", "s")...).Encode()
	}
	offered := func(rule string, p authtest.Page) {
		t.Helper()
		if address, there := wayOn(p); p.Status != http.StatusOK || p.Callback != nil || address != stranger || there.Get("state") != "s" || !strings.Contains(p.Body, "You are signed out") {
			t.Errorf("%s: %d %s\n%s", rule, p.Status, p.URL, p.Body)
		}
	}
	b := w.NewBrowser(t)
	offered("nobody signed in", b.Get(t, logout()))
	signIn := func() (hint string) {
		code := w.Code(t, b, c, "ada", "redirect_uri", stranger, "scope", "openid")
		return w.post(t, "/oauth/token", "grant_type", "authorization_code", "code", code, "client_id", c.Registration.ClientID, "code_verifier", authtest.Verifier).Member("id_token")
	}
	hint := signIn()
	offered("asked about", b.Submit(t, b.Get(t, logout())))
	if p := b.Get(t, w.URL+"/account"); !p.AsksPassword() {
		t.Error("still signed in")
	}
	offered("with the hint of a session that is over", b.Get(t, logout("id_token_hint", hint)))
	if p := b.Get(t, logout("id_token_hint", signIn())); p.URL != stranger+"?state=s" {
		t.Errorf("with the hint of this session: %d %s", p.Status, p.URL)
	}
}
