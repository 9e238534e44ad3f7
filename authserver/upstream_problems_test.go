package authserver_test

import (
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/idptest"
	"clientele.dev/clientele/authserver/outbound"
	"clientele.dev/clientele/authserver/signin"
)

// atWork is a world whose people can sign in at a provider that is not ours.
type atWork struct {
	*world
	idp *idptest.Provider
}

// signInAtWork starts both. change is given the provider's settings.
func signInAtWork(t *testing.T, change func(*signin.Provider)) atWork {
	t.Helper()
	var upstreams *signin.Upstreams
	w := users(t, authtest.Config{Upstreams: func() *signin.Upstreams { return upstreams }})
	idp := idptest.Start(t, idptest.Options{RedirectURI: w.Issuer + signin.CallbackPath("work")})
	provider := signin.Provider{
		Name: "work", DisplayName: "Work", Issuer: idp.Issuer, ClientID: idptest.ClientID, ClientSecret: idptest.ClientSecret, UserInfo: true,
	}
	if change != nil {
		change(&provider)
	}
	client := outbound.New(outbound.Options{Policy: outbound.Policy{Private: true}, Timeout: time.Second})
	t.Cleanup(client.CloseIdleConnections)
	cookies, err := signin.NewCookies(w.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	upstreams, err = signin.NewUpstreams(signin.UpstreamOptions{
		Providers: []signin.Provider{provider}, Issuer: w.Issuer, Client: client, Cookies: cookies,
		Keys: func() credential.ServerKeys { return w.ServerKeys },
	})
	if err != nil {
		t.Fatal(err)
	}
	return atWork{w, idp}
}

// link is the button of a sign-in page that leads to the provider.
func link(t *testing.T, p authtest.Page) string {
	t.Helper()
	m := buttonLink.FindStringSubmatch(p.Body)
	if m == nil {
		t.Fatalf("no way to the provider on the page: %d %s\n%s", p.Status, p.URL, p.Body)
	}
	return html.UnescapeString(m[1])
}

// through takes the browser from a sign-in page through the provider and back.
func (w atWork) through(t *testing.T, b *authtest.Browser, p authtest.Page) authtest.Page {
	t.Helper()
	away := b.Get(t, link(t, p))
	if away.Callback == nil {
		return away // not sent anywhere
	}
	return b.Get(t, w.idp.SignIn(t, away.URL).String())
}

// The account page of somebody who has no account here, by way of a provider
// that is not ours.
func TestAccountAtAnUpstreamProvider(t *testing.T) {
	w := signInAtWork(t, nil)
	b := w.NewBrowser(t)
	page := b.Get(t, w.Issuer+"/account")
	button := link(t, page)
	if !strings.HasPrefix(button, w.Issuer+"/account/upstream/work?csrf=") || !strings.Contains(page.Body, "Continue with <bdi>Work</bdi>") {
		t.Fatalf("%s\n%s", button, page.Body)
	}
	away := b.Get(t, button)
	asked, err := url.Parse(away.URL)
	if err != nil || !strings.HasPrefix(away.URL, w.idp.Issuer+"/") || asked.Query().Get("redirect_uri") != w.Issuer+"/oauth/callback/work" {
		t.Fatalf("sent to %d %s", away.Status, away.URL)
	}
	back := w.idp.SignIn(t, away.URL).String()
	page = b.Get(t, back)
	for _, want := range []string{"<bdi>Ada Byron</bdi>", "ada@example.com", "with <bdi>work</bdi>", "this browser"} {
		if page.Status != http.StatusOK || !strings.Contains(page.Body, want) {
			t.Errorf("%d %s lacks %s\n%s", page.Status, page.URL, want, page.Body)
		}
	}
	if page = b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read")); !page.AsksConsent() {
		t.Errorf("an app asks for a second sign-in: %d %s", page.Status, page.URL)
	}

	t.Run("A20: the link, and the answer, are of one browser", func(t *testing.T) {
		other := w.NewBrowser(t)
		other.Get(t, w.Issuer+"/account")
		for what, address := range map[string]string{"another browser's link": button, "a forged link": strings.Replace(button, "csrf=", "csrf=x", 1), "no token": w.Issuer + "/account/upstream/work"} {
			if p := other.Get(t, address); p.Callback != nil || p.Status != http.StatusForbidden {
				t.Errorf("%s: %d %s", what, p.Status, p.URL)
			}
		}
		if p := other.Get(t, back); p.Status != http.StatusBadRequest || strings.Contains(p.Body, "Ada") {
			t.Errorf("another browser's answer: %d %s", p.Status, p.URL)
		}
		fresh := w.NewBrowser(t)
		mine := link(t, fresh.Get(t, w.Issuer+"/account"))
		r, err := http.NewRequest(http.MethodGet, mine, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if p := fresh.Send(t, r); p.Callback != nil || p.Status != http.StatusForbidden {
			t.Errorf("from another site: %d %s", p.Status, p.URL)
		}
	})
	t.Run("a provider that there is not", func(t *testing.T) {
		fresh := w.NewBrowser(t)
		p := fresh.Get(t, strings.Replace(link(t, fresh.Get(t, w.Issuer+"/account")), "/work?", "/nobody?", 1))
		if p.Callback != nil || !p.AsksPassword() {
			t.Errorf("%d %s", p.Status, p.URL)
		}
	})
}

// Whatever is wrong with a provider, the person is told on a page that leads on:
// once it works again, the next try does, for the app that they came from.
func TestUpstreamProblemsAreShown(t *testing.T) {
	noAnswer, denied := "The service you chose does not answer", "The service you chose did not sign you in"
	unsigned := func(token string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(token, ".")[1] + "."
	}
	forged := func(token string) string {
		parts := strings.Split(token, ".")
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), idptest.Subject, "1", 1)))
		return strings.Join(parts, ".")
	}
	for name, c := range map[string]struct {
		settings      func(*signin.Provider)
		before, after func(*idptest.Provider) // what happens before the browser is sent there, and before it comes back
		away, back    func(string) string     // what becomes of the addresses it is sent to
		want          string
		stays         bool // it does not work the next time either
	}{
		"down":              {before: func(p *idptest.Provider) { p.Down.Store(true) }, want: noAnswer},
		"slow":              {before: func(p *idptest.Provider) { p.Slow.Store(true) }, want: noAnswer},
		"down meanwhile":    {after: func(p *idptest.Provider) { p.Down.Store(true) }, want: noAnswer},
		"slow meanwhile":    {after: func(p *idptest.Provider) { p.Slow.Store(true) }, want: noAnswer},
		"unsigned ID token": {after: func(p *idptest.Provider) { p.Tamper = unsigned }, want: noAnswer},
		"forged ID token":   {after: func(p *idptest.Provider) { p.Tamper = forged }, want: noAnswer},
		"no ID token":       {after: func(p *idptest.Provider) { p.Tamper = func(string) string { return "" } }, want: noAnswer},
		"another nonce":     {away: func(u string) string { return strings.Replace(u, "nonce=", "nonce=x", 1) }, want: noAnswer},
		"another code":      {back: func(u string) string { return strings.Replace(u, "code=", "code=x", 1) }, want: noAnswer},
		"denied":            {back: func(u string) string { return strings.Replace(u, "code=", "error=access_denied&x=", 1) }, want: denied},
		"another issuer":    {settings: func(p *signin.Provider) { p.Issuer = strings.Replace(p.Issuer, "127.0.0.1", "localhost", 1) }, want: noAnswer, stays: true},
		"another secret":    {settings: func(p *signin.Provider) { p.ClientSecret = "planted-secret" }, want: noAnswer, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := signInAtWork(t, c.settings)
			starts := []string{w.AuthorizeURL(w.web, "scope", "orders.read"), w.Issuer + "/account"}
			if c.before != nil {
				starts = starts[:1] // afterwards its metadata is known
			}
			for _, start := range starts {
				b := w.NewBrowser(t)
				page := b.Get(t, start)
				apply(c.before, w.idp)
				page = b.Get(t, link(t, page))
				if page.Callback != nil {
					back := w.idp.SignIn(t, change(c.away, page.URL)).String()
					apply(c.after, w.idp)
					page = b.Get(t, change(c.back, back))
				}
				if !page.AsksPassword() || !strings.Contains(page.Body, c.want) || !strings.Contains(page.Body, `role="alert"`) {
					t.Fatalf("%s: %d %s\n%s", start, page.Status, page.URL, page.Body)
				}
				for _, secret := range []string{"planted", idptest.ClientSecret, "503 Service", w.idp.Issuer} {
					if strings.Contains(page.Body, secret) {
						t.Errorf("the page tells of %q", secret)
					}
				}
				w.tryAgain(t, b, page, !c.stays)
			}
		})
	}
}

// tryAgain follows the button of a page that told of a problem, after the
// provider was mended.
func (w atWork) tryAgain(t *testing.T, b *authtest.Browser, page authtest.Page, want bool) {
	t.Helper()
	w.idp.Down.Store(false)
	w.idp.Slow.Store(false)
	w.idp.Tamper = nil
	w.Clock.Advance(6 * time.Second) // a provider that failed is not asked at once
	page = w.through(t, b, page)
	if works := page.AsksConsent() || strings.Contains(page.Body, "Ada Byron"); works != want {
		t.Errorf("the next try: %d %s\n%s", page.Status, page.URL, page.Body)
	}
	if strings.Contains(w.Log.String(), "planted") {
		t.Error("a secret is in the log")
	}
}

func apply(f func(*idptest.Provider), p *idptest.Provider) {
	if f != nil {
		f(p)
	}
}

func change(f func(string) string, s string) string {
	if f == nil {
		return s
	}
	return f(s)
}
