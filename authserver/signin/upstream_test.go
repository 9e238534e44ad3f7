package signin

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/idptest"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// provider starts an OpenID provider that is not ours.
func provider(t *testing.T, o idptest.Options) *idptest.Provider {
	t.Helper()
	o.RedirectURI = "https://login.example/oauth/callback/corp"
	return idptest.Start(t, o)
}

// client follows no redirects, as the guarded one will not.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: 10 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func upstreams(t *testing.T, p ...Provider) *Upstreams {
	t.Helper()
	cookies, err := NewCookies("https://login.example")
	if err != nil {
		t.Fatal(err)
	}
	u, err := NewUpstreams(UpstreamOptions{
		Providers: p, Issuer: "https://login.example", Client: client(t), Keys: serverKeys(t), Cookies: cookies,
	})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// browser is what carries cookies, and is sent to places.
type browser struct {
	t   *testing.T
	jar map[string]string
}

func newBrowser(t *testing.T) *browser { return &browser{t, map[string]string{}} }

// begin a sign-in, and keep its cookies.
func (b *browser) begin(u *Upstreams, start Start, now time.Time) (location string) {
	b.t.Helper()
	location, cookies, err := u.Begin(context.Background(), start, now)
	if err != nil {
		b.t.Fatal(err)
	}
	b.keep(cookies)
	return location
}

func (b *browser) keep(cookies []*http.Cookie) {
	for _, c := range cookies {
		if err := c.Valid(); err != nil {
			b.t.Errorf("cookie %s: %v", c.Name, err)
		}
		if len(c.String()) > 4096 {
			b.t.Errorf("cookie %s has %d bytes, which browsers drop", c.Name, len(c.String()))
		}
		if c.MaxAge < 0 {
			delete(b.jar, c.Name)
			continue
		}
		b.jar[c.Name] = c.Value
	}
}

func (b *browser) request(back *url.URL) *http.Request {
	r := httptest.NewRequest(http.MethodGet, back.RequestURI(), nil)
	for name, value := range b.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func corp(m *idptest.Provider) Provider {
	return Provider{
		Name: "corp", DisplayName: "Corp", Issuer: m.Issuer, ClientID: idptest.ClientID, ClientSecret: idptest.ClientSecret,
		Scopes: words("openid profile email"), UserInfo: true, Claims: ClaimMapping{Roles: "groups"},
	}
}

func TestUpstreamSignInAtAProviderThatIsNotOurs(t *testing.T) {
	m := provider(t, idptest.Options{})
	p := corp(m)
	u := upstreams(t, p)
	b := newBrowser(t)
	now := time.Now()

	back := "/oauth/continue?prt=" + strings.Repeat("p", 4096)
	location := b.begin(u, Start{Provider: "corp", Return: back, LoginHint: "ada", Fresh: true}, now)
	asked, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	q := asked.Query()
	for name, want := range map[string]string{
		"redirect_uri": "https://login.example/oauth/callback/corp", "code_challenge_method": "S256",
		"login_hint": "ada", "prompt": "login", "response_type": "code", "scope": "openid profile email",
	} {
		if q.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, q.Get(name), want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) < 43 {
			t.Errorf("%s has %d characters", name, len(q.Get(name)))
		}
	}
	if strings.Contains(location, "prt=") {
		t.Error("the pending request is told to the provider")
	}

	r := b.request(m.SignIn(t, location))
	got, err := u.Finish(context.Background(), "corp", r, now)
	if err != nil {
		t.Fatal(err)
	}
	want := User{
		Subject: oauth.UpstreamSubject(p.Issuer, idptest.Subject), Source: store.Source{Name: "corp", Issuer: p.Issuer, ClientID: idptest.ClientID}, Username: "ada", Name: "Ada Byron", Email: "ada@example.com", EmailVerified: true,
		Roles: words("staff ops"), Groups: words("staff ops"),
	}
	if got.Return != back || !equalUser(got.User, want) {
		t.Errorf("got %+v, want %+v", got.User, want)
	}

	t.Run("the same answer again", func(t *testing.T) {
		if _, err := u.Finish(context.Background(), "corp", r, now); !errors.Is(err, ErrUpstreamFailed) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("after the flow was forgotten", func(t *testing.T) {
		b.keep(u.o.Cookies.EndUpstream())
		if _, err := u.Finish(context.Background(), "corp", b.request(r.URL), now); !errors.Is(err, ErrUpstreamStale) {
			t.Errorf("got %v", err)
		}
	})
}

// The secret goes into the body where the provider takes it there, and else into
// the header, encoded as RFC 6749, Section 2.3.1 has it.
func TestUpstreamClientAuthentication(t *testing.T) {
	for name, o := range map[string]idptest.Options{"both": {}, "client_secret_basic alone": {BasicOnly: true}} {
		t.Run(name, func(t *testing.T) {
			m := provider(t, o)
			u := upstreams(t, corp(m))
			finish := func(u *Upstreams) error {
				b := newBrowser(t)
				location := b.begin(u, Start{Provider: "corp"}, time.Now())
				_, err := u.Finish(context.Background(), "corp", b.request(m.SignIn(t, location)), time.Now())
				return err
			}
			if err := finish(u); err != nil {
				t.Error(err)
			}
			if m.Posted.Load() == o.BasicOnly {
				t.Errorf("secret in the body: %v", m.Posted.Load())
			}
			wrong := corp(m)
			wrong.ClientSecret = "planted-wrong-secret"
			if err := finish(upstreams(t, wrong)); !errors.Is(err, ErrUpstreamFailed) || strings.Contains(err.Error(), "planted") {
				t.Errorf("with a wrong secret: %v", err)
			}
		})
	}
}

func equalUser(a, b User) bool {
	return strings.Join(a.Roles, ",") == strings.Join(b.Roles, ",") && strings.Join(a.Groups, ",") == strings.Join(b.Groups, ",") &&
		a.Subject == b.Subject && a.Source == b.Source && a.Username == b.Username && a.Name == b.Name &&
		a.Email == b.Email && a.EmailVerified == b.EmailVerified
}

// A20: the answer is good only in the browser that began, for the provider it
// began with, and only for ten minutes.
func TestA20UpstreamAnswerBelongsToOneBrowser(t *testing.T) {
	m := provider(t, idptest.Options{})
	p := corp(m)
	other := p
	other.Name = "other"
	u := upstreams(t, p, other)
	begin := func(t *testing.T) (*browser, *url.URL) {
		b := newBrowser(t)
		location := b.begin(u, Start{Provider: "corp", Return: "/account"}, time.Now())
		return b, m.SignIn(t, location)
	}
	mine, back := begin(t)
	victim, _ := begin(t)
	tampered := newBrowser(t)
	for name, value := range mine.jar {
		tampered.jar[name] = otherEnd(value)
	}
	twice := *back
	twice.RawQuery += "&state=" + back.Query().Get("state")
	for name, c := range map[string]struct {
		b    *browser
		at   string
		back *url.URL
		now  time.Time
	}{
		"a browser that began nothing":     {newBrowser(t), "corp", back, time.Now()},
		"a browser that began another one": {victim, "corp", back, time.Now()},
		"a changed cookie":                 {tampered, "corp", back, time.Now()},
		"at another provider's callback":   {mine, "other", back, time.Now()},
		"at a callback of nobody":          {mine, "nobody", back, time.Now()},
		"too late":                         {mine, "corp", back, time.Now().Add(10 * time.Minute)},
		"state twice":                      {mine, "corp", &twice, time.Now()},
		"no state":                         {mine, "corp", &url.URL{Path: back.Path, RawQuery: "code=" + back.Query().Get("code")}, time.Now()},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := u.Finish(context.Background(), c.at, c.b.request(c.back), c.now)
			if !errors.Is(err, ErrUpstreamStale) || got.Return != "" || got.User.Subject != "" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// otherEnd is the text with another last but one character; the last one may stand
// for bits that nothing is kept in.
func otherEnd(text string) string {
	at := len(text) - 2
	other := "A"
	if text[at:at+1] == other {
		other = "B"
	}
	return text[:at] + other + text[at+1:]
}

func TestUpstreamErrors(t *testing.T) {
	m := provider(t, idptest.Options{})
	u := upstreams(t, corp(m))
	for name, c := range map[string]struct {
		query string
		want  error
	}{
		"denied":        {"error=access_denied&error_description=no", ErrUpstreamDenied},
		"another error": {"error=%3Cscript%3E", ErrUpstreamFailed},
		"error twice":   {"error=access_denied&error=access_denied", ErrUpstreamFailed},
		"no code":       {"", ErrUpstreamFailed},
		"code twice":    {"code=a&code=b", ErrUpstreamFailed},
		"a wrong code":  {"code=nonsense", ErrUpstreamFailed},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowser(t)
			location := b.begin(u, Start{Provider: "corp", Return: "/account"}, time.Now())
			asked, err := url.Parse(location)
			if err != nil {
				t.Fatal(err)
			}
			back := &url.URL{Path: "/oauth/callback/corp", RawQuery: "state=" + asked.Query().Get("state") + "&" + c.query}
			got, err := u.Finish(context.Background(), "corp", b.request(back), time.Now())
			if !errors.Is(err, c.want) || got.Return != "/account" {
				t.Errorf("got %v, return %q", err, got.Return)
			}
		})
	}
	if _, _, err := u.Begin(context.Background(), Start{Provider: "corp", Return: strings.Repeat("x", MaxReturn+1)}, time.Now()); err == nil {
		t.Error("a return that no cookie holds was taken")
	}
	if _, _, err := u.Begin(context.Background(), Start{Provider: "nobody"}, time.Now()); !errors.Is(err, ErrUpstreamStale) {
		t.Errorf("unknown provider: %v", err)
	}
}

func TestUpstreamThatIsDownIsAskedAgain(t *testing.T) {
	up := false
	var asked int
	s := newHostile(t, nil)
	inner := s.server.Config.Handler
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		if !up {
			http.Error(w, "planted-secret-in-a-body", http.StatusBadGateway)
			return
		}
		inner.ServeHTTP(w, r)
	})
	u := upstreams(t, s.provider())
	begin := func(after time.Duration) error {
		_, _, err := u.Begin(context.Background(), Start{Provider: "corp"}, noon.Add(after))
		return err
	}
	if err := begin(0); !errors.Is(err, ErrUpstreamFailed) || strings.Contains(err.Error(), "planted") {
		t.Errorf("got %v", err)
	}
	up = true
	if err := begin(time.Second); err == nil || asked != 1 {
		t.Errorf("asked %d times within the pause: %v", asked, err)
	}
	if err := begin(5 * time.Second); err != nil {
		t.Errorf("after the pause: %v", err)
	}
	up = false
	if err := begin(2 * time.Hour); err != nil {
		t.Errorf("down later: %v, want what it said before", err)
	}
}

// However many want to sign in at a provider that is slow, it is asked once, and
// whoever goes away makes it fail for nobody else.
func TestSlowUpstreamIsAskedOnce(t *testing.T) {
	h := newHostile(t, nil)
	inner := h.server.Config.Handler
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	h.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-release
		inner.ServeHTTP(w, r)
	})
	u := upstreams(t, h.provider())
	begin := func(ctx context.Context) error {
		_, _, err := u.Begin(ctx, Start{Provider: "corp"}, noon)
		return err
	}
	impatient, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() { left <- begin(impatient) }()
	<-arrived
	leave()
	if err := <-left; !errors.Is(err, ErrUpstreamFailed) {
		t.Errorf("who went away: %v", err)
	}
	var waiting sync.WaitGroup
	for range 20 {
		waiting.Go(func() {
			if err := begin(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	waiting.Wait()
	if n := len(arrived); n != 0 {
		t.Errorf("it was asked %d times more", n)
	}
}

func TestProvidersAreChecked(t *testing.T) {
	good := Provider{Name: atCorp.Name, Issuer: atCorp.Issuer, ClientID: atCorp.ClientID}
	if err := good.validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Provider){
		"name":         func(p *Provider) { p.Name = "Corp IdP" },
		"no name":      func(p *Provider) { p.Name = "" },
		"local":        func(p *Provider) { p.Name = "local" },
		"plain http":   func(p *Provider) { p.Issuer = "http://idp.example" },
		"with a query": func(p *Provider) { p.Issuer = "https://idp.example?a=b" },
		"client id":    func(p *Provider) { p.ClientID = "" },
		"display name": func(p *Provider) { p.DisplayName = "a\nb" },
	} {
		p := good
		change(&p)
		if _, err := NewUpstreams(UpstreamOptions{Providers: []Provider{p}}); err == nil {
			t.Errorf("accepted: %s", name)
		}
	}
	if _, err := NewUpstreams(UpstreamOptions{Providers: []Provider{good, good}}); err == nil {
		t.Error("accepted two of one name")
	}
	u := upstreams(t, good)
	if c := u.Choices(); len(c) != 1 || c[0].DisplayName != "corp" {
		t.Errorf("got %v", c)
	}
	for name, source := range otherCorps() {
		if u.Vouches(source) {
			t.Errorf("it vouches for people of one that is %s", name)
		}
	}
	if !u.Vouches(atCorp) || (*Upstreams)(nil).Vouches(atCorp) {
		t.Error("it vouches for its own people, and where there is none, none does")
	}
}

// A provider whose secret is not known yet: nobody signs in, nobody is signed out.
func TestAClosedProviderVouchesForItsPeople(t *testing.T) {
	p := corp(provider(t, idptest.Options{}))
	open := upstreams(t, p)
	location, cookies, err := open.Begin(context.Background(), Start{Provider: p.Name}, noon)
	if err != nil || location == "" {
		t.Fatal(err)
	}
	p.ClientSecret, p.Closed = "", true
	u := upstreams(t, p)
	if c := u.Choices(); len(c) != 0 || !u.Vouches(p.source()) {
		t.Errorf("on the page: %v; vouches: %v", c, u.Vouches(p.source()))
	}
	if _, _, err := u.Begin(context.Background(), Start{Provider: p.Name}, noon); !errors.Is(err, ErrUpstreamStale) {
		t.Errorf("begin: %v", err)
	}
	b := newBrowser(t)
	b.keep(cookies)
	back, err := url.Parse("https://login.example" + CallbackPath(p.Name) + "?code=c")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Finish(context.Background(), p.Name, b.request(back), noon); !errors.Is(err, ErrUpstreamStale) {
		t.Errorf("finish: %v", err)
	}
}
