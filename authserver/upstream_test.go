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

// TestSignInAtAnUpstreamProvider sends a person to a second server and back.
func TestSignInAtAnUpstreamProvider(t *testing.T) {
	var upstreams *signin.Upstreams
	w := users(t, authtest.Config{Upstreams: func() *signin.Upstreams { return upstreams }})
	idp := users(t, authtest.Config{})
	us := idp.MustRegister(t, authtest.NewClient("us", authtest.WithCode("openid profile"), withPost, func(r *oauth.Registration) {
		r.RedirectURIs = []string{w.Issuer + signin.CallbackPath("work")}
		r.Managed.Trusted = true
	}))
	cookies, err := signin.NewCookies(w.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	upstreams, err = signin.NewUpstreams(signin.UpstreamOptions{
		Providers: []signin.Provider{{Name: "work", Issuer: idp.Issuer, ClientID: us.Registration.ClientID, ClientSecret: us.Secret}},
		Issuer:    w.Issuer, Client: http.DefaultClient, Cookies: cookies,
		Keys: func() credential.ServerKeys { return w.ServerKeys },
	})
	if err != nil {
		t.Fatal(err)
	}
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
	if sub := claims(t, w.Issuer, orders, a.Member("access_token"))["sub"]; sub != signin.UpstreamSubject(idp.Issuer, "user:ada") {
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
	t.Run("a provider that is gone takes its sessions along", func(t *testing.T) {
		upstreams = nil
		if p := b.Get(t, w.AuthorizeURL(w.web, "scope", "orders.read")); !p.AsksPassword() {
			t.Errorf("%d %s", p.Status, p.URL)
		}
	})
}
