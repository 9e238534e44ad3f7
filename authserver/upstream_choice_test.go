package authserver_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
)

var switchLink = regexp.MustCompile(`href="([^"]*&amp;switch=1)"`)

// asked is what the provider is asked where a sign-in page leads there.
func (w atWork) asked(t *testing.T, b *authtest.Browser, p authtest.Page) url.Values {
	t.Helper()
	away := b.Get(t, link(t, p))
	at, err := url.Parse(away.URL)
	if err != nil || !strings.HasPrefix(away.URL, w.idp.Issuer+"/") {
		t.Fatalf("sent to %d %s", away.Status, away.URL)
	}
	return at.Query()
}

// another follows "Use another account" on a consent page.
func another(t *testing.T, b *authtest.Browser, p authtest.Page) authtest.Page {
	t.Helper()
	m := switchLink.FindStringSubmatch(p.Body)
	if m == nil {
		t.Fatalf("no way to another account: %d %s\n%s", p.Status, p.URL, p.Body)
	}
	at, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	to, err := at.Parse(html.UnescapeString(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	page := b.Get(t, to.String())
	if !page.AsksPassword() {
		t.Fatalf("want the sign-in page, got %d %s", page.Status, page.URL)
	}
	return page
}

// Whoever wants another account is not signed in again as the one that the provider
// knows (OpenID Connect Core, Section 3.1.2.1), as far as it has a way to ask.
func TestAnotherAccountAtAnUpstreamProvider(t *testing.T) {
	for name, c := range map[string]struct {
		says []string
		want string
		as   string
	}{
		"nothing is said of prompts":  {nil, "select_account", "Grace Hopper"},
		"it knows select_account":     {[]string{"none", "login", "select_account"}, "select_account", "Grace Hopper"},
		"it knows no select_account":  {[]string{"none", "login", "consent"}, "login", "Grace Hopper"},
		"it cannot ask who it is":     {[]string{"none"}, "", "Ada Byron"},
		"it says that it knows none!": {[]string{}, "", "Ada Byron"},
	} {
		t.Run(name, func(t *testing.T) {
			w := signInAtWork(t, nil)
			w.idp.Prompts, w.idp.ChoosesOther = c.says, true
			b := w.NewBrowser(t)
			page := b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read", "login_hint", "ada@example.com"))
			if asked := w.asked(t, b, page); asked.Has("prompt") || asked.Get("login_hint") != "ada@example.com" {
				t.Errorf("at first it is asked %v", asked)
			}
			page = w.through(t, b, page)
			if !page.AsksConsent() || !strings.Contains(page.Body, "<bdi>Ada Byron</bdi>") {
				t.Fatalf("%d %s\n%s", page.Status, page.URL, page.Body)
			}
			page = another(t, b, page)
			if asked := w.asked(t, b, page); asked.Get("prompt") != c.want || asked.Has("max_age") || asked.Has("login_hint") {
				t.Errorf("asked %v, want prompt %q", asked, c.want)
			}
			if page = w.through(t, b, page); !page.AsksConsent() || !strings.Contains(page.Body, "<bdi>"+c.as+"</bdi>") {
				t.Errorf("want %s to be asked, got %d %s\n%s", c.as, page.Status, page.URL, page.Body)
			}
			if page = b.Submit(t, page, "decision", "allow"); page.Callback.Get("code") == "" {
				t.Errorf("no code: %d %s", page.Status, page.URL)
			}
		})
	}
}

// A provider that knows no select_account, and does not say so: the next try gets on.
func TestUpstreamThatRefusesAChoice(t *testing.T) {
	w := signInAtWork(t, nil)
	w.idp.Refuses, w.idp.ChoosesOther = []string{"select_account"}, true
	b := w.NewBrowser(t)
	page := another(t, b, w.through(t, b, b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read"))))
	away := b.Get(t, link(t, page))
	page = b.Get(t, w.idp.SignIn(t, away.URL).String())
	if !page.AsksPassword() || !strings.Contains(page.Body, "The service you chose does not answer") {
		t.Fatalf("%d %s\n%s", page.Status, page.URL, page.Body)
	}
	if asked := w.asked(t, b, page); asked.Get("prompt") != "login" {
		t.Errorf("then it is asked %v", asked)
	}
	if page = w.through(t, b, page); !page.AsksConsent() || !strings.Contains(page.Body, "<bdi>Grace Hopper</bdi>") {
		t.Errorf("want Grace to be asked, got %d %s\n%s", page.Status, page.URL, page.Body)
	}
}

// An app that wants an account chosen, or a new sign-in, has the provider asked so.
func TestPromptsOfAppsReachTheProvider(t *testing.T) {
	for name, c := range map[string]struct {
		says               []string
		prompt, want, ages string
	}{
		"login":                              {nil, "login", "login", "0"},
		"select_account":                     {nil, "select_account", "login", "0"},
		"select_account, where it is known":  {[]string{"login", "select_account"}, "select_account", "login select_account", "0"},
		"both, where both are known":         {[]string{"login", "select_account"}, "select_account login", "login select_account", "0"},
		"login, where select_account is too": {[]string{"login", "select_account"}, "login", "login", "0"},
		"login, where it is not known":       {[]string{"none"}, "login", "", "0"},
		"consent":                            {nil, "consent", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := signInAtWork(t, nil)
			w.idp.Prompts, w.idp.ChoosesOther = c.says, true
			b := w.NewBrowser(t)
			page := b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read", "prompt", c.prompt))
			if asked := w.asked(t, b, page); asked.Get("prompt") != c.want || asked.Get("max_age") != c.ages {
				t.Errorf("asked %v, want prompt %q", asked, c.want)
			}
			if page = w.through(t, b, page); !page.AsksConsent() {
				t.Errorf("%d %s\n%s", page.Status, page.URL, page.Body)
			}
		})
	}
}

// The page that is shown after a wrong password is still that of another account.
func TestAnotherAccountAfterAWrongPassword(t *testing.T) {
	w := signInAtWork(t, nil)
	b := w.NewBrowser(t)
	page := another(t, b, w.through(t, b, b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read"))))
	page = b.Submit(t, page, "username", "ada", "password", "wrong")
	if page.Status == http.StatusOK || w.asked(t, b, page).Get("prompt") != "select_account" {
		t.Errorf("%d %s\n%s", page.Status, page.URL, page.Body)
	}
	if page = b.SignIn(t, page, "ada"); !page.AsksConsent() || strings.Contains(page.Body, "Byron") {
		t.Errorf("signed in by password: %d %s\n%s", page.Status, page.URL, page.Body)
	}
}
