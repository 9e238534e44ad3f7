package authserver_test

import (
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
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

// A8: an app that registers itself cannot make the server look around in the
// cluster.
func TestA8LogosOfStrangersLeadNowhereElse(t *testing.T) {
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

// A8: apps that register themselves, with logos that never come, do not have those of
// declared ones waited for, though they be at the same place.
func TestA8SlowLogosOfStrangersHoldNobodyUp(t *testing.T) {
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/logo.png" {
			arrived <- struct{}{}
			<-release
		}
		_, _ = w.Write([]byte(pngBytes))
	}))
	t.Cleanup(site.Close)
	s := users(t, open(authtest.Config{Logos: logoClient(t)}))
	declared := pagesOfApp(t, s.Server, "declared", site.URL+"/logo.png")
	logoOf := func(id string) authtest.Answer { return s.Do(t, http.MethodGet, "/oauth/logo/"+id, "") }
	var strangers sync.WaitGroup
	for i := range 4 {
		id, _ := mustSelfRegister(t, s.Server, fmt.Sprintf(`{"redirect_uris": ["https://stranger.example/cb"], "logo_uri": "%s/slow/%d"}`, site.URL, i))
		strangers.Go(func() { logoOf(id) })
	}
	for range 2 { // as many as one host is asked for at a time
		<-arrived
	}
	if a := logoOf(declared.Registration.ClientID); a.Status != http.StatusOK || a.Body != pngBytes {
		t.Errorf("%d", a.Status)
	}
	if len(arrived) != 0 {
		t.Error("the strangers' place is asked more at a time")
	}
	close(release)
	strangers.Wait()
}
