package authserver_test

import (
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/logo"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/outbound"
)

// pngBytes are a real one.
var pngBytes = func() string {
	var b strings.Builder
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		panic(err)
	}
	return b.String()
}()

// logoClient fetches from loopback, where the site of a test is.
func logoClient(t *testing.T) *http.Client {
	t.Helper()
	allow := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	c := outbound.New(outbound.Options{Policy: outbound.Policy{Allow: allow}, MaxBytes: logo.MaxBytes, Timeout: logo.Timeout})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// pagesOfApp registers an app with a logo and pages of its own.
func pagesOfApp(t *testing.T, s *authtest.Server, name, logoURI string) authtest.Client {
	t.Helper()
	return s.MustRegister(t, authtest.NewClient(name, authtest.WithCode("orders.read", orders), func(r *oauth.Registration) {
		r.ClientURI, r.LogoURI = "https://app.example/about", logoURI
		r.PolicyURI, r.TOSURI = "https://app.example/privacy", "https://app.example/terms"
	}))
}

func TestConsentPageShowsTheLogo(t *testing.T) {
	asked := 0
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.URL.Path != "/logo.png" {
			http.NotFound(w, r)
			return
		}
		if r.Header.Get("Cookie")+r.Referer() != "" {
			t.Errorf("the site is told of the visitor: %v", r.Header)
		}
		_, _ = w.Write([]byte(pngBytes))
	}))
	t.Cleanup(site.Close)
	w := users(t, authtest.Config{Logos: logoClient(t), IssuerPath: "/team"})
	app := pagesOfApp(t, w.Server, "with-logo", site.URL+"/logo.png")
	broken := pagesOfApp(t, w.Server, "broken", site.URL+"/gone.png")

	b := w.NewBrowser(t)
	page := b.SignIn(t, b.Get(t, w.AuthorizeURL(app)), "ada")
	path := "/team/oauth/logo/" + app.Registration.ClientID
	for _, want := range []string{
		`<object class="logo" data="` + path + `" type="image/png"`, ">AW</span></object>",
		`href="https://app.example/about"`, `href="https://app.example/privacy"`, `href="https://app.example/terms"`,
		"<bdi>apps</bdi>, on this platform",
	} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the consent page lacks %s\n%s", want, page.Body)
		}
	}
	if host, name := strings.Index(page.Body, "app.example</strong>"), strings.Index(page.Body, "It calls itself"); host < 0 || host > name {
		t.Error("the host is not the first thing on the page")
	}
	if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "img-src 'self'; object-src 'self';") {
		t.Errorf("policy %s", csp)
	}

	a := w.Do(t, http.MethodGet, path, "")
	if a.Status != http.StatusOK || a.Body != pngBytes {
		t.Fatalf("%d %q", a.Status, a.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Cache-Control": "public, max-age=600", "Cross-Origin-Resource-Policy": "same-origin", "Access-Control-Allow-Origin": "", "Set-Cookie": "",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if a := w.Do(t, http.MethodGet, path, "", "If-None-Match", a.Header.Get("ETag")); a.Status != http.StatusNotModified {
		t.Errorf("again: %d", a.Status)
	}
	if asked != 1 {
		t.Errorf("the site was asked %d times, want once", asked)
	}

	t.Run("A8: nothing but what is registered", func(t *testing.T) {
		before := asked
		var answers []string
		for _, id := range []string{
			broken.Registration.ClientID, w.web.Registration.ClientID, "nobody", "", app.Registration.ClientID + "/x",
			app.Registration.ClientID + "?url=" + site.URL + "/other", strings.ReplaceAll(site.URL, "/", "%2F"),
		} {
			a := w.Do(t, http.MethodGet, "/team/oauth/logo/"+id, "")
			if strings.Contains(id, "?url=") { // is not looked at
				if a.Body != pngBytes {
					t.Errorf("%s: %d", id, a.Status)
				}
				continue
			}
			if a.Status != http.StatusNotFound || strings.Contains(a.Body, "127.0.0.1") {
				t.Errorf("%q: %d %s", id, a.Status, a.Body)
			}
			answers = append(answers, a.Body)
		}
		if answers[0] != answers[1] || answers[1] != answers[2] {
			t.Errorf("no logo, broken logo and no client differ: %q", answers)
		}
		if asked != before+1 { // the broken one, once
			t.Errorf("the site was asked %d times more", asked-before)
		}
	})
}

// A8: no client can make the server look around in the cluster.
func TestA8LogosLeadNowhereElse(t *testing.T) {
	asked := 0
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = w.Write([]byte(pngBytes))
	}))
	t.Cleanup(inside.Close)
	w := users(t, authtest.Config{Logos: outbound.New(outbound.Options{})})
	for i, uri := range []string{inside.URL, strings.Replace(inside.URL, "http://", "https://", 1), "https://169.254.169.254/latest/meta-data"} {
		app := pagesOfApp(t, w.Server, "probe"+string(rune('a'+i)), uri)
		if a := w.Do(t, http.MethodGet, "/oauth/logo/"+app.Registration.ClientID, ""); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d %q", uri, a.Status, a.Body)
		}
	}
	if asked != 0 {
		t.Error("it was asked")
	}
}

// TestStrangersHaveNoLogo: a logo would lend an app that registered itself the looks of
// somebody else. Registering and changing accept one, leave it out of the answer, and
// fetch nothing.
func TestStrangersHaveNoLogo(t *testing.T) {
	asked := 0
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = w.Write([]byte(pngBytes))
	}))
	t.Cleanup(site.Close)
	w := users(t, open(authtest.Config{Logos: logoClient(t)}))
	for _, registrant := range []string{"", authtest.RegisterToken} {
		body := `"redirect_uris":["https://stranger.example/cb"],"logo_uri":"` + site.URL + `/logo.png"`
		registered := w.SendText(t, http.MethodPost, "/oauth/register", registrant, "{"+body+"}")
		id, token := registered.Member("client_id"), registered.Member("registration_access_token")
		changed := w.SendText(t, http.MethodPut, "/oauth/register/"+id, token, `{"client_id":"`+id+`",`+body+"}")
		if registered.Status != 201 || changed.Status != 200 || strings.Contains(registered.Body+changed.Body, "logo_uri") {
			t.Errorf("%d %s, then %d %s", registered.Status, registered.Body, changed.Status, changed.Body)
		}
		b := w.NewBrowser(t)
		stranger := authtest.Client{Registration: oauth.Registration{ClientID: id}}
		page := b.SignIn(t, b.Get(t, w.AuthorizeURL(stranger, "scope", "openid", "redirect_uri", "https://stranger.example/cb")), "ada")
		if !page.AsksConsent() || strings.Contains(page.Body, "/oauth/logo/") || strings.Contains(page.Body, site.URL) {
			t.Errorf("consent: %d %s", page.Status, page.Body)
		}
		if page = b.Submit(t, page, "decision", "allow"); page.Callback.Get("code") == "" {
			t.Errorf("allowed: %d %s", page.Status, page.URL)
		}
		if account := b.Get(t, w.URL+"/account"); account.Status != 200 || strings.Contains(account.Body, "/oauth/logo/") {
			t.Errorf("account: %d %s", account.Status, account.Body)
		}
		if a := w.Do(t, http.MethodGet, "/oauth/logo/"+id, ""); a.Status != http.StatusNotFound {
			t.Errorf("logo: %d", a.Status)
		}
	}
	if asked != 0 {
		t.Errorf("the logo was fetched %d times", asked)
	}
}
