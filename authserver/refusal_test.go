package authserver_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
)

// That they take the same time is a test of package clientauth.
func TestA12UnknownClientAndWrongSecretLookTheSame(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	real := s.MustRegister(t, authtest.NewClient("real-client"))
	wrong := real
	wrong.Secret = credential.NewClientSecret()
	unknown := authtest.NewClient("fake-client") // an id of the same length

	a, b := s.Token(t, wrong), s.Token(t, unknown)
	a.Header.Del("Date")
	b.Header.Del("Date")
	if a.Status != b.Status || a.Body != b.Body {
		t.Errorf("wrong secret: %d %s\nunknown client: %d %s", a.Status, a.Body, b.Status, b.Body)
	}
	for name := range a.Header {
		if !slices.Equal(a.Header[name], b.Header[name]) {
			t.Errorf("header %s differs: %v, %v", name, a.Header[name], b.Header[name])
		}
	}
	if len(a.Header) != len(b.Header) {
		t.Errorf("headers differ: %v, %v", a.Header, b.Header)
	}
}

func TestA12RegistrationTokenOfAnUnknownClientLooksTheSame(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := s.MustRegister(t, authtest.NewClient("app"))
	other := credential.NewRegistrationToken().Reveal()
	wrong := s.SendText(t, "GET", "/oauth/register/"+c.Registration.ClientID, other, "")
	unknown := s.SendText(t, "GET", "/oauth/register/apps.nobody", other, "")
	if wrong.Status != 401 || wrong.Body != unknown.Body || unknown.Status != 401 {
		t.Errorf("wrong token: %d %s; unknown client: %d %s", wrong.Status, wrong.Body, unknown.Status, unknown.Body)
	}
}

func TestA16SQLAndForgedPagesChangeNothing(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		c := s.MustRegister(t, authtest.NewClient("app"))
		for _, attack := range []string{"' OR 1=1 --", `"; DROP TABLE clients; --`, "apps.app' --", "%' OR '%'='", "\x00"} {
			evil := c
			evil.Registration.ClientID = attack
			if a := s.Token(t, evil); a.Status != 401 {
				t.Errorf("client id %q: %d %s", attack, a.Status, a.Body)
			}
			for _, change := range []func(*oauth.Registration){
				func(r *oauth.Registration) { r.ClientID = attack },
				func(r *oauth.Registration) { r.Managed.Owner.Namespace = attack },
				func(r *oauth.Registration) { r.Managed.Owner.UID = attack },
				func(r *oauth.Registration) { r.Managed.SecretHashes = []string{attack} },
				func(r *oauth.Registration) { r.Managed.NamespaceLabels = map[string]string{attack: attack} },
			} {
				r := authtest.NewClient("evil", change).Registration
				if a := s.Register(t, r); a.Status != 400 {
					t.Errorf("registration with %q: %d %s", attack, a.Status, a.Body)
				}
			}
			// As scopes most of these are well-formed: then they are data.
			inScope := authtest.NewClient("scoped", func(r *oauth.Registration) { r.Scope = attack })
			if a := s.Register(t, inScope.Registration); a.Status >= 500 {
				t.Errorf("registration with scope %q: %d %s", attack, a.Status, a.Body)
			}
			p := authtest.Policy("p1", attack, "read")
			if a := s.SendJSON(t, "PUT", "/registrar/v1/resources/p1", authtest.RegistrarToken, p); a.Status != 400 {
				t.Errorf("policy for resource %q: %d %s", attack, a.Status, a.Body)
			}
		}
		s.MustToken(t, c)
		for _, page := range []string{"' OR 1=1", "eyJhIjoxfQ==", "%00", "../x", strings.Repeat("A", 4000)} {
			a := s.Do(t, "GET", "/registrar/v1/inventory?page="+strings.ReplaceAll(page, " ", "+"), "", "Authorization", "Bearer "+authtest.RegistrarToken)
			if a.Status != 400 {
				t.Errorf("forged page token %.20q: %d %s", page, a.Status, a.Body)
			}
		}
	})
}

// TestA16TextThatCannotBeStored: what is a failure for a database is none for
// the caller, or everybody could make an outage of it.
func TestA16TextThatCannotBeStored(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		w.tokens(t, w.app)
		page := w.browser.Get(t, w.URL+"/account")
		csrf := func() string { _, fields := page.Form(); return fields.Get("csrf") }()
		registrar := []string{"Authorization", "Bearer " + authtest.RegistrarToken}
		holder := []string{"Authorization", "Bearer " + credential.NewRegistrationToken().Reveal(), "Content-Type", "application/json"}
		for _, bad := range []string{"\x00", "a\x00b", "\xff"} {
			in := url.QueryEscape(bad)
			for rule, a := range map[string]authtest.Answer{
				"token":                 w.post(t, "/oauth/token", "grant_type", bad, "client_id", bad, "client_secret", bad),
				"code":                  w.postAs(t, w.app, "/oauth/token", "grant_type", "authorization_code", "code", bad, "redirect_uri", bad, "code_verifier", bad),
				"refresh":               w.postAs(t, w.app, "/oauth/token", "grant_type", "refresh_token", "refresh_token", bad, "resource", bad),
				"revoke":                w.postAs(t, w.app, "/oauth/revoke", "token", bad),
				"introspect":            w.postAs(t, w.app, "/oauth/introspect", "token", bad),
				"pushed request":        w.postAs(t, w.app, "/oauth/par", "client_id", bad, "state", bad),
				"authorize":             w.Do(t, "GET", "/oauth/authorize?client_id="+in+"&request_uri="+in, ""),
				"another's request":     w.Do(t, "GET", "/oauth/authorize?client_id=apps.app&request_uri="+url.QueryEscape("urn:ietf:params:oauth:request_uri:"+bad), ""),
				"continue":              w.Do(t, "GET", "/oauth/continue?prt="+in, ""),
				"sign in":               w.browser.Submit(t, w.NewBrowser(t).Get(t, w.AuthorizeURL(w.app)), "username", bad, "password", bad).Answer,
				"withdraw":              w.postPage(t, w.browser, "/account/withdraw", url.Values{"csrf": {csrf}, "client_id": {bad}}).Answer,
				"end a session":         w.postPage(t, w.browser, "/account/end-session", url.Values{"csrf": {csrf}, "session": {bad}}).Answer,
				"read a client":         w.Do(t, "GET", "/oauth/register/"+in, "", registrar...),
				"delete a client":       w.Do(t, "DELETE", "/oauth/register/"+in+"?owner_namespace="+in+"&owner_name="+in+"&owner_uid="+in+"&counter=1", "", registrar...),
				"read one's own":        w.Do(t, "GET", "/oauth/register/"+in, "", holder...),
				"change one's own":      w.Do(t, "PUT", "/oauth/register/"+in, `{"redirect_uris":["https://a.example/cb"]}`, holder...),
				"delete one's own":      w.Do(t, "DELETE", "/oauth/register/"+in, "", holder...),
				"revoke a registered":   w.Do(t, "DELETE", "/registrar/v1/self-registered/"+in, "", registrar...),
				"delete a policy":       w.Do(t, "DELETE", "/registrar/v1/resources/"+in, "", registrar...),
				"page of the inventory": w.Do(t, "GET", "/registrar/v1/inventory?page="+in, "", registrar...),
				"changes":               w.Do(t, "GET", "/registrar/v1/changes?since=1&store_id="+in, "", registrar...),
			} {
				if a.Status >= 500 || a.Status == 0 {
					t.Errorf("%s with %q: %d %s", rule, bad, a.Status, a.Body)
				}
			}
		}
	})
}

// A16: whatever page is asked for, a registrar sees clients of its own cluster.
func TestA16PagesOfAnotherCluster(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		s.MustRegister(t, authtest.NewClient("a"))
		s.MustRegister(t, authtest.NewClient("b"))
		first := s.Do(t, "GET", "/registrar/v1/inventory?limit=1", "", "Authorization", "Bearer "+authtest.RegistrarToken)
		next := first.Member("next")
		if next == "" {
			t.Fatalf("no second page: %s", first.Body)
		}
		for _, page := range []string{next, "a", "apps.aa", "zzz"} {
			path := "/registrar/v1/inventory?limit=1&page=" + page
			a := s.Do(t, "GET", path, "", "Authorization", "Bearer "+authtest.RegistrarToken)
			if want := map[string]string{next: "apps.b", "a": "apps.a", "apps.aa": "apps.b"}[page]; a.Status != 200 || strings.Count(a.Body, `"client_id"`) > 1 || !strings.Contains(a.Body, want) {
				t.Errorf("page %s: %d %s", page, a.Status, a.Body)
			}
			if a := s.Do(t, "GET", path, "", "Authorization", "Bearer "+authtest.OtherClusterToken); a.Status != 200 || strings.Contains(a.Body, "apps.") {
				t.Errorf("page %s of another cluster: %d %s", page, a.Status, a.Body)
			}
			if a := s.Do(t, "GET", path, "", "Authorization", "Bearer "+authtest.NobodyToken); a.Status != 403 {
				t.Errorf("page %s for nobody: %d %s", page, a.Status, a.Body)
			}
		}
	})
}

func TestA15HugeAndDeepInput(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := s.MustRegister(t, authtest.NewClient("app"))
	authorization := s.TokenRequest(t, c).Header.Get("Authorization")
	form := []string{"Content-Type", "application/x-www-form-urlencoded", "Authorization", authorization}
	if a := s.Do(t, "POST", "/oauth/token", "grant_type=client_credentials&x="+strings.Repeat("a", 65<<10), form...); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a token request of 65 KiB: %d", a.Status)
	}
	chunked, err := http.NewRequest("POST", s.URL+"/oauth/token", &endless{left: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	chunked.Header.Set("Content-Type", form[1])
	if a := s.Send(t, chunked); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a chunked token request of 1 MiB: %d", a.Status)
	}
	if a := s.Do(t, "GET", "/healthz", "", "X-Big", strings.Repeat("a", 40<<10)); a.Status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("headers of 40 KiB: %d", a.Status)
	}
	if a := s.Do(t, "POST", "/oauth/token", "grant_type=client_credentials&"+strings.Repeat("resource=a&", 100), form...); a.Status != 400 {
		t.Errorf("a hundred parameters: %d", a.Status)
	}
	for rule, body := range map[string]string{
		"deep arrays":           strings.Repeat("[", 100_000),
		"deep objects":          strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
		"deep, but well-formed": `{"client_name":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`,
		"a member twice":        `{"client_id":"apps.a","client_id":"apps.b"}`,
		"twice, in other case":  `{"client_id":"apps.a","CLIENT_ID":"apps.b"}`,
		"twice, deeper":         `{"clientele_managed":{"counter":1,"counter":2}}`,
		"two documents":         `{} {}`,
		"cut off":               `{"client_id":"apps.a"`,
		"no object":             `"apps.a"`,
		"wrong type":            `{"client_id":7}`,
		"empty":                 ``,
	} {
		if a := s.SendText(t, "POST", "/oauth/register", authtest.RegistrarToken, body); a.Status != 400 || a.Error() == "" {
			t.Errorf("%s: %d %s", rule, a.Status, a.Body)
		}
	}
	if a := s.SendText(t, "POST", "/oauth/register", authtest.RegistrarToken, `{"x":"`+strings.Repeat("a", 300<<10)+`"}`); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a registration of 300 KiB: %d", a.Status)
	}
	many := authtest.NewClient("many", func(r *oauth.Registration) { r.Scope = strings.Repeat("s ", 5000) + "s" })
	if a := s.Register(t, many.Registration); a.Status != 400 {
		t.Errorf("five thousand scopes: %d %s", a.Status, a.Body)
	}
	s.MustToken(t, c)
}

// endless is a body of unknown length.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	n := min(len(p), e.left)
	if n == 0 {
		return 0, io.EOF
	}
	for i := range n {
		p[i] = 'a'
	}
	e.left -= n
	return n, nil
}

// sink is a ResponseWriter that keeps the status only.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(n int)   { s.status = n }
func (s *sink) Write(p []byte) (int, error) {
	if s.status == 0 {
		s.status = 200
	}
	return len(p), nil
}
