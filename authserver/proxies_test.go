package authserver_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/outbound"
)

// from opens a browser whose requests a proxy says to come from an address.
func from(t *testing.T, s *authtest.Server, forwarded string) *authtest.Browser {
	b := s.NewBrowser(t)
	b.Header = http.Header{"X-Forwarded-For": {forwarded}}
	return b
}

// guess fills in the sign-in page with a wrong password.
func guess(t *testing.T, s *authtest.Server, b *authtest.Browser, c authtest.Client) {
	t.Helper()
	page := b.Submit(t, b.Get(t, s.AuthorizeURL(c)), "username", "ada", "password", "wrong")
	if !page.AsksPassword() {
		t.Fatalf("after a wrong password: %d at %s", page.Status, page.URL)
	}
}

// proxied starts a server that believes the proxies, and lets an address register
// two clients a minute.
func proxied(t *testing.T, proxies ...string) (*authtest.Server, authtest.Client) {
	s := authtest.Start(t, authtest.Config{Settings: endpoint.Settings{
		TrustedProxies: proxies,
		Registration:   endpoint.RegistrationSettings{Mode: endpoint.RegistrationOpen, PerAddressMinute: 2},
	}})
	s.SetUsers(t, authtest.Person{Username: "ada"})
	return s, s.MustRegister(t, authtest.NewClient("app", authtest.WithCode("openid"), authtest.Public))
}

func TestA17AForgedAddressHelpsNobodyPastALimit(t *testing.T) {
	for rule, c := range map[string]struct {
		proxies []string
		forged  string // %d makes another address
	}{
		"nobody is a proxy":                  {nil, "203.0.113.%d"},
		"the caller is none":                 {[]string{"10.0.0.0/8"}, "203.0.113.%d"},
		"written before what the proxy says": {[]string{"127.0.0.1"}, "203.0.113.%d, 198.51.100.7"},
	} {
		t.Run(rule, func(t *testing.T) {
			s, client := proxied(t, c.proxies...)
			forged := func(i int) string { return fmt.Sprintf(c.forged, i) }
			for i := range 10 {
				guess(t, s, from(t, s, forged(i)), client)
			}
			b := from(t, s, forged(3))
			if page := b.SignIn(t, b.Get(t, s.AuthorizeURL(client)), "ada"); !page.AsksPassword() {
				t.Errorf("past the lockout: %d at %s", page.Status, page.URL)
			}
			register := func(i int) int {
				return s.Do(t, http.MethodPost, "/oauth/register", seed1, "Content-Type", "application/json", "X-Forwarded-For", forged(i)).Status
			}
			if register(1) != 201 || register(2) != 201 || register(3) != 429 {
				t.Error("past the limit of registrations")
			}
		})
	}
}

func TestBehindAProxyEverybodyHasTheirOwnLimits(t *testing.T) {
	s, client := proxied(t, "127.0.0.1/32", "10.0.0.0/8")
	attacker := from(t, s, "203.0.113.1")
	for range 11 {
		guess(t, s, attacker, client)
	}
	neighbour := from(t, s, "2001:db8::7, 10.0.0.2") // over another proxy
	if page := neighbour.Complete(t, neighbour.Get(t, s.AuthorizeURL(client)), "ada"); page.Callback.Get("code") == "" {
		t.Fatalf("a neighbour behind the same proxy: %d at %s", page.Status, page.URL)
	}
	if page := attacker.SignIn(t, attacker.Get(t, s.AuthorizeURL(client)), "ada"); !page.AsksPassword() {
		t.Error("the attacker is not locked out")
	}
	account := neighbour.Get(t, s.Issuer+"/account")
	if !strings.Contains(account.Body, "From 2001:db8::7.") {
		t.Errorf("the account page names another address:\n%s", account.Body)
	}
	log := s.Log.String()
	if !strings.Contains(log, `"event":"user.signed_in","subject":"user/ada","source":"local","remote":"2001:db8::7"`) ||
		!strings.Contains(log, `"event":"user.sign_in_refused","client_id":"apps.app","remote":"203.0.113.1"`) {
		t.Error("the audit log names other addresses")
	}
	register := func(address string) int {
		return s.Do(t, http.MethodPost, "/oauth/register", seed1, "Content-Type", "application/json", "X-Forwarded-For", address).Status
	}
	if register("2001:db8::1") != 201 || register("2001:db8::2") != 201 || register("2001:db8::3") != 429 || register("2001:db8:0:1::1") != 201 {
		t.Error("registrations do not go by the /64 of the address that the proxy names")
	}
}

// trustedProxies and outboundAllow are in force at once, without a restart. Invalid
// ones leave those before in force.
func TestProxiesAndOutboundChangeWithoutRestart(t *testing.T) {
	allow := &outbound.Allowlist{}
	s := authtest.Start(t, authtest.Config{Outbound: allow, Settings: endpoint.Settings{
		Registration: endpoint.RegistrationSettings{Mode: endpoint.RegistrationOpen, PerAddressMinute: 1},
	}})
	site := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(site.Close)
	register := func(address string) int {
		return s.Do(t, http.MethodPost, "/oauth/register", seed1, "Content-Type", "application/json", "X-Forwarded-For", address).Status
	}
	fetch := func() error {
		client := outbound.New(outbound.Options{Allow: allow})
		defer client.CloseIdleConnections()
		answer, err := client.Get(site.URL)
		if err == nil {
			_ = answer.Body.Close()
		}
		return err
	}
	if register("203.0.113.1") != 201 || register("203.0.113.2") != 429 || !errors.Is(fetch(), outbound.ErrRefused) {
		t.Error("something is trusted or allowed before it is named")
	}
	s.Settings.TrustedProxies, s.Settings.OutboundAllow = []string{"127.0.0.1/32"}, []string{"127.0.0.0/8"}
	s.Reload(t)
	if a, b := register("203.0.113.1"), register("203.0.113.2"); a != 201 || b != 201 {
		t.Errorf("the proxy is not believed: %d, %d", a, b)
	}
	if err := fetch(); err != nil {
		t.Errorf("the network is not allowed: %v", err)
	}
	for _, change := range []func(*endpoint.Settings){
		func(e *endpoint.Settings) { e.TrustedProxies = []string{"0.0.0.0/0"} },
		func(e *endpoint.Settings) { e.OutboundAllow = []string{"169.254.0.0/16"} },
	} {
		settings := s.Settings
		change(&settings)
		if err := s.Apply(t.Context(), authserver.Snapshot{Settings: &settings}); err == nil {
			t.Errorf("%v, %v are in force", settings.TrustedProxies, settings.OutboundAllow)
		}
	}
	s.Settings.TrustedProxies, s.Settings.OutboundAllow = nil, nil
	s.Reload(t)
	if register("203.0.113.3") != 429 || !errors.Is(fetch(), outbound.ErrRefused) {
		t.Error("what the settings do not name any more is still trusted or allowed")
	}
}

// Pushes that nobody authenticates for share a bucket too: who has many networks
// does not fill the store. What is pushed here is refused, so that it counts, and
// costs no write.
func TestA10PushedRequestsFromManyNetworksAreLimited(t *testing.T) {
	s, client := proxied(t)
	u, _ := url.Parse(s.AuthorizeURL(client, "response_type", ""))
	push := func(i int) int {
		r := httptest.NewRequest(http.MethodPost, "/oauth/par", strings.NewReader(u.RawQuery))
		r.Header.Set("Content-Type", formType)
		r.RemoteAddr = fmt.Sprintf("10.0.%d.%d:4000", i/250, i%250)
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		return w.Code
	}
	for i := range 6000 {
		if status := push(i); status != http.StatusBadRequest {
			t.Fatalf("request %d: %d", i, status)
		}
	}
	if status := push(6000); status != http.StatusTooManyRequests {
		t.Errorf("another network, when all together sent 6,000 in a minute: %d", status)
	}
}

func TestBehindAProxyPushedRequestsAreLimitedByAddress(t *testing.T) {
	s, client := proxied(t, "127.0.0.1")
	push := func(address string) authtest.Answer {
		u, _ := url.Parse(s.AuthorizeURL(client))
		return s.Do(t, http.MethodPost, "/oauth/par", u.RawQuery, "Content-Type", "application/x-www-form-urlencoded", "X-Forwarded-For", address)
	}
	for range 600 {
		if a := push("203.0.113.1"); a.Status != http.StatusCreated {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	if a := push("203.0.113.1"); a.Status != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" {
		t.Errorf("beyond the limit: %d %v %s", a.Status, a.Header, a.Body)
	}
	if a := push("203.0.113.2"); a.Status != http.StatusCreated {
		t.Errorf("a neighbour: %d %s", a.Status, a.Body)
	}
}
