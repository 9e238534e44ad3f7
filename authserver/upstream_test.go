package authserver_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
)

var buttonLink = regexp.MustCompile(`<a class="button wide" href="([^"]*)"`)

// work is a world whose people may sign in at a second server, "work".
type work struct {
	*world
	idp *world
	// provider in the settings; upstreams are what was made of them.
	provider  signin.Provider
	upstreams *signin.Upstreams
}

func startWork(t *testing.T) *work {
	t.Helper()
	w := &work{}
	w.world = users(t, authtest.Config{Upstreams: func() *signin.Upstreams { return w.upstreams }})
	w.idp = users(t, authtest.Config{})
	us := w.idp.MustRegister(t, authtest.NewClient("us", authtest.WithCode("openid profile"), withPost, func(r *oauth.Registration) {
		r.RedirectURIs = []string{w.Issuer + signin.CallbackPath("work")}
		r.Managed.Trusted = true
	}))
	w.provider = signin.Provider{Name: "work", Issuer: w.idp.Issuer, ClientID: us.Registration.ClientID, ClientSecret: us.Secret}
	w.configure(t, w.provider)
	return w
}

// configure puts providers into the settings, in place of all.
func (w *work) configure(t *testing.T, providers ...signin.Provider) {
	t.Helper()
	cookies, err := signin.NewCookies(w.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	w.upstreams, err = signin.NewUpstreams(signin.UpstreamOptions{
		Providers: providers, Issuer: w.Issuer, Client: http.DefaultClient, Cookies: cookies,
		Keys: func() credential.ServerKeys { return w.ServerKeys },
	})
	if err != nil {
		t.Fatal(err)
	}
}

// code signs ada in at the provider, allows what the app asks for, and returns
// the code.
func (w *work) code(t *testing.T, b *authtest.Browser, c authtest.Client, scope string) string {
	t.Helper()
	page := w.arrive(t, b, c, scope)
	if page.AsksConsent() {
		page = b.Submit(t, page, "decision", "allow")
	}
	code := page.Callback.Get("code")
	if code == "" {
		t.Fatalf("no code: %d %s\n%s", page.Status, page.URL, w.Log)
	}
	return code
}

// arrive is where ada comes for a client, by way of the provider unless she is signed in.
func (w *work) arrive(t *testing.T, b *authtest.Browser, c authtest.Client, scope string) authtest.Page {
	t.Helper()
	page := b.Get(t, w.AuthorizeURL(c, "scope", scope))
	if !page.AsksPassword() {
		return page
	}
	there := w.idp.NewBrowser(t)
	away := b.Get(t, html.UnescapeString(buttonLink.FindStringSubmatch(page.Body)[1]))
	return b.Get(t, there.Complete(t, there.Get(t, away.URL), "ada").URL)
}

// TestSignInAtAnUpstreamProvider sends a person to a second server and back.
func TestSignInAtAnUpstreamProvider(t *testing.T) {
	w := startWork(t)
	idp := w.idp
	begin := func(b *authtest.Browser) (away authtest.Page, link string) {
		page := b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read"))
		link = html.UnescapeString(buttonLink.FindStringSubmatch(page.Body)[1])
		return b.Get(t, link), link
	}

	b := w.NewBrowser(t)
	away, link := begin(b)
	if !strings.HasPrefix(away.URL, idp.Issuer+"/oauth/authorize?") {
		t.Fatalf("sent to %d %s", away.Status, away.URL)
	}
	there := idp.NewBrowser(t)
	back := there.Complete(t, there.Get(t, away.URL), "ada")
	page := b.Get(t, back.URL)
	if !page.AsksConsent() {
		t.Fatalf("want the consent page, got %d %s\n%s", page.Status, page.URL, w.Log)
	}
	page = b.Submit(t, page, "decision", "allow")
	a := w.MustExchange(t, w.web, page.Callback.Get("code"))
	if sub := claims(t, w.Issuer, orders, a.Member("access_token"))["sub"]; sub != oauth.UpstreamSubject(idp.Issuer, "user/ada") {
		t.Errorf("sub %v", sub)
	}

	t.Run("A20: the link, and the answer, are of one browser", func(t *testing.T) {
		other := w.NewBrowser(t)
		other.Get(t, w.AuthorizeURL(w.web))
		if p := other.Get(t, link); p.Callback != nil || p.Status != http.StatusBadRequest {
			t.Errorf("another browser's link: %d %s", p.Status, p.URL)
		}
		if p := other.Get(t, back.URL); p.Callback != nil || p.AsksConsent() || p.Status != http.StatusBadRequest {
			t.Errorf("another browser's answer: %d %s", p.Status, p.URL)
		}
		b.Header = http.Header{"Sec-Fetch-Site": {"cross-site"}}
		if p := b.Get(t, link); p.Callback != nil || p.Status != http.StatusForbidden {
			t.Errorf("the link on a page of another site: %d %s", p.Status, p.URL)
		}
		b.Header = nil
		forged := strings.Replace(link, "csrf=", "csrf=x", 1)
		if p := b.Get(t, forged); p.Callback != nil || p.Status != http.StatusForbidden {
			t.Errorf("a forged link: %d %s", p.Status, p.URL)
		}
	})
	t.Run("a provider that says no", func(t *testing.T) {
		again := w.NewBrowser(t)
		away, _ := begin(again)
		p := again.Get(t, w.Issuer+signin.CallbackPath("work")+"?error=access_denied&state="+away.Callback.Get("state")+"&iss="+idp.Issuer)
		if !p.AsksPassword() || !strings.Contains(p.Body, "did not sign you in") || p.Status != http.StatusForbidden {
			t.Errorf("%d %s\n%s", p.Status, p.URL, p.Body)
		}
	})
}

// A provider that the platform team removes, or puts another in the place of, may
// have said who somebody is wrongly: what came of it ends at once, on every path.
func TestA11PeopleOfAProviderThatIsGoneGetNothingMore(t *testing.T) {
	for name, change := range map[string]func(*signin.Provider){
		"removed":                 func(p *signin.Provider) { p.Name = "other" },
		"another issuer":          func(p *signin.Provider) { p.Issuer = "https://other-idp.example" },
		"another client there":    func(p *signin.Provider) { p.ClientID = "other" },
		"all providers, and back": nil,
	} {
		t.Run(name, func(t *testing.T) {
			w := startWork(t)
			b := w.NewBrowser(t)
			tokens := w.MustExchange(t, w.web, w.code(t, b, w.web, "openid orders.read"))
			pending := w.code(t, b, w.web, "openid orders.read")
			again := w.code(t, b, w.web, "openid orders.read")
			if change == nil {
				w.configure(t)
			} else {
				other := w.provider
				change(&other)
				w.configure(t, other)
			}
			access, refresh := tokens.Member("access_token"), tokens.Member("refresh_token")
			refused(t, "refresh", w.Refresh(t, w.web, refresh), "invalid_grant")
			refused(t, "a code that was on its way", w.Exchange(t, w.web, pending), "invalid_grant")
			w.wantActive(t, w.web, access, false)
			w.wantActive(t, w.web, refresh, false)
			if a := w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+access); a.Status != http.StatusUnauthorized {
				t.Errorf("userinfo: %d %s", a.Status, a.Body)
			}
			if p := b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read")); !p.AsksPassword() {
				t.Errorf("the session lives on: %d %s", p.Status, p.URL)
			}
			w.configure(t, w.provider)
			w.MustExchange(t, w.web, again)
			if a := w.Refresh(t, w.web, refresh); a.Status != http.StatusOK {
				t.Errorf("the provider is back: %d %s", a.Status, a.Body)
			}
			w.wantActive(t, w.web, access, true)
		})
	}
}

// wantActive introspects a token as a client that authenticates in the form.
func (w *world) wantActive(t *testing.T, c authtest.Client, token string, active bool) {
	t.Helper()
	if a := w.introspect(t, c, token); a.Status != http.StatusOK || a.JSON()["active"] != active {
		t.Errorf("introspection: %d %s, want active %v", a.Status, a.Body, active)
	}
}

func (w *world) introspect(t *testing.T, c authtest.Client, token string) authtest.Answer {
	t.Helper()
	form := values("token", token, "client_id", c.Registration.ClientID, "client_secret", c.Secret.Reveal())
	return w.Do(t, http.MethodPost, "/oauth/introspect", form.Encode(), "Content-Type", formType)
}
