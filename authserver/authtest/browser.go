package authtest

import (
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Browser is a scripted browser: it keeps cookies, follows redirects within the
// server, and stops where it would leave it.
type Browser struct {
	home string  // the server's URL
	at   *Server // the replica that answers there
	Jar  *cookiejar.Jar
	// Header is sent with every request.
	Header http.Header
	client *http.Client
}

// Page is where a browser has come to.
type Page struct {
	Answer
	// URL of the page, or, where the browser was sent away, of the client.
	URL string
	// Callback are the parameters the client was sent; nil if the browser is
	// still at the server.
	Callback url.Values
}

// NewBrowser opens a browser without cookies.
func (s *Server) NewBrowser(t testing.TB) *Browser {
	t.Helper()
	return newBrowser(t, s.home, s)
}

// NewBrowserAt opens a browser for a server that this package did not start.
func NewBrowserAt(t testing.TB, url string) *Browser {
	t.Helper()
	return newBrowser(t, url, &Server{URL: url})
}

func newBrowser(t testing.TB, home string, at *Server) *Browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	b := &Browser{home: home, at: at, Jar: jar}
	b.client = &http.Client{Jar: jar, Transport: b, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), b.home) || len(via) > 10 {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

// At sends the browser to another replica from now on, as a load balancer does
// behind one address.
func (b *Browser) At(s *Server) { b.at = s }

// RoundTrip implements http.RoundTripper: what goes to the server's address is
// answered by the replica.
func (b *Browser) RoundTrip(r *http.Request) (*http.Response, error) {
	if "http://"+r.URL.Host != b.home {
		return http.DefaultTransport.RoundTrip(r)
	}
	there := r.Clone(r.Context())
	there.Host, there.URL.Host = r.URL.Host, strings.TrimPrefix(b.at.URL, "http://")
	response, err := http.DefaultTransport.RoundTrip(there)
	if response != nil {
		response.Request = r
	}
	return response, err
}

// Get opens an address.
func (b *Browser) Get(t testing.TB, address string) Page {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, http.NoBody)
	must(t, err)
	return b.Send(t, r)
}

// Send sends a request and follows it.
func (b *Browser) Send(t testing.TB, r *http.Request) Page {
	t.Helper()
	maps.Copy(r.Header, b.Header)
	response, err := b.client.Do(r)
	must(t, err)
	defer response.Body.Close() //nolint:errcheck // it has been read
	body, err := io.ReadAll(response.Body)
	must(t, err)
	page := Page{Answer: Answer{response.StatusCode, response.Header, string(body)}, URL: response.Request.URL.String()}
	if location := response.Header.Get("Location"); location != "" {
		target, err := url.Parse(location)
		must(t, err)
		page.URL, page.Callback = location, target.Query()
	}
	return page
}

// SendBare sends a request without the browser's cookies, as a browser does with
// what another site's page posts (SameSite=Lax). It takes the cookies of the answer,
// and follows its redirect by a GET, to which it brings all of them.
func (b *Browser) SendBare(t testing.TB, r *http.Request) Page {
	t.Helper()
	maps.Copy(r.Header, b.Header)
	response, err := b.RoundTrip(r)
	must(t, err)
	must(t, response.Body.Close())
	b.Jar.SetCookies(r.URL, response.Cookies())
	location, err := response.Location()
	if err != nil {
		return Page{Answer: Answer{response.StatusCode, response.Header, ""}, URL: r.URL.String()}
	}
	return b.Get(t, location.String())
}

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	formAction  = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
)

// Form returns the action and the hidden fields of the page's form.
func (p Page) Form() (action string, fields url.Values) {
	fields = url.Values{}
	for _, m := range hiddenField.FindAllStringSubmatch(p.Body, -1) {
		fields.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	if m := formAction.FindStringSubmatch(p.Body); m != nil {
		action = html.UnescapeString(m[1])
	}
	return action, fields
}

// Submit sends the page's form with some fields more; change holds names and
// values by turns.
func (b *Browser) Submit(t testing.TB, p Page, change ...string) Page {
	t.Helper()
	action, fields := p.Form()
	for i := 0; i+1 < len(change); i += 2 {
		fields.Set(change[i], change[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, action, strings.NewReader(fields.Encode()))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.home)
	return b.Send(t, r)
}

// AsksPassword tells whether the page is the sign-in page, AsksConsent whether it
// is the consent page.
func (p Page) AsksPassword() bool { return strings.Contains(p.Body, `name="password"`) }

// AsksConsent: see AsksPassword.
func (p Page) AsksConsent() bool { return strings.Contains(p.Body, `name="decision"`) }

// SignIn fills in the sign-in page.
func (b *Browser) SignIn(t testing.TB, p Page, username string) Page {
	t.Helper()
	return b.Submit(t, p, "username", username, "password", Password)
}

// Complete signs in and allows, as far as it is asked to.
func (b *Browser) Complete(t testing.TB, p Page, username string) Page {
	t.Helper()
	if p.AsksPassword() {
		p = b.SignIn(t, p, username)
	}
	if p.AsksConsent() {
		p = b.Submit(t, p, "decision", "allow")
	}
	return p
}
