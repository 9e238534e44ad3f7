package authserver_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

const billing = "https://billing.example"

// shop is an app for two APIs.
type shop struct {
	*world
	app authtest.Client
}

func newShop(t *testing.T, on authtest.Config) *shop {
	t.Helper()
	s := &shop{world: users(t, on)}
	s.billingAllows(t, 1, "invoices.read", "invoices.pay")
	s.app = s.MustRegister(t, authtest.NewClient("shop", authtest.WithCode("openid orders.read orders.write invoices.read invoices.pay", orders, billing), withPost))
	return s
}

func (s *shop) billingAllows(t *testing.T, generation int64, scopes ...string) {
	t.Helper()
	p := authtest.Policy("p2", billing, "invoices.read", "invoices.pay")
	p.Scopes[0].Description, p.Generation = "See your invoices", generation
	if p.Allow[0].Scopes = scopes; len(scopes) == 0 {
		p.Allow = nil
	}
	s.MustPutPolicy(t, p)
}

// at is the authorization request for these resources.
func (s *shop) at(c authtest.Client, resources []string, change ...string) string {
	return s.AuthorizeURL(c, change...) + "&" + url.Values{"resource": resources}.Encode()
}

var both = []string{orders, billing}

func (s *shop) code(t *testing.T, b *authtest.Browser, resources []string, change ...string) string {
	t.Helper()
	page := b.Complete(t, b.Get(t, s.at(s.app, resources, change...)), "ada")
	if page.Callback.Get("code") == "" {
		t.Fatalf("no code: %d at %s\n%s", page.Status, page.URL, page.Body)
	}
	return page.Callback.Get("code")
}

// wantTokens wants an access token for a resource with a scope.
func (s *shop) wantTokens(t *testing.T, what string, a authtest.Answer, resource, scope string) {
	t.Helper()
	if a.Status != http.StatusOK || a.Member("scope") != scope {
		t.Fatalf("%s: %d %s, want scope %q", what, a.Status, a.Body, scope)
	}
	if c := claims(t, s.Issuer, resource, a.Member("access_token")); c["aud"] != resource || c["scope"] != scope {
		t.Errorf("%s: a token for %v with scope %v, want %s and %q", what, c["aud"], c["scope"], resource, scope)
	}
}

// TestAGrantForSeveralResources is RFC 8707, Sections 2.1 and 2.2: allowed once, and
// then a token for each.
func TestAGrantForSeveralResources(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := newShop(t, on)
		const asked = "openid orders.read invoices.read invoices.pay"
		const atOrders, atBilling = "openid orders.read", "openid invoices.read invoices.pay"
		b := s.NewBrowser(t)
		page := b.SignIn(t, b.Get(t, s.at(s.app, both, "scope", asked)), "ada")
		if !page.AsksConsent() || strings.Count(page.Body, orders) != 1 || strings.Count(page.Body, billing) != 1 ||
			strings.Count(page.Body, "Know that it is you") != 1 || !strings.Contains(page.Body, "See your invoices") {
			t.Fatalf("want a consent page with both APIs, and what is about the person once:\n%s", page.Body)
		}
		page = b.Submit(t, page, "decision", "allow")
		first := s.MustExchange(t, s.app, page.Callback.Get("code"))
		s.wantTokens(t, "a code, no resource named", first, orders, atOrders)
		refresh := func(what, resource, scope, want string) {
			t.Helper()
			first = s.Refresh(t, s.app, first.Member("refresh_token"), "resource", resource, "scope", scope)
			at := resource
			if at == "" {
				at = orders
			}
			s.wantTokens(t, what, first, at, want)
		}
		refresh("the other one", billing, "", atBilling)
		refresh("none named", "", "", atOrders)
		refresh("the scope string of the authorization request", billing, asked, atBilling)
		refresh("less scope", billing, "invoices.pay", "invoices.pay")
		refresh("all again", billing, "", atBilling)

		live := first.Member("refresh_token")
		for what, form := range map[string][]string{
			"a resource that was not asked for": {"resource", "https://payroll.example"},
			"two at once":                       {"resource", orders, "resource", billing},
		} {
			refused(t, what, s.Refresh(t, s.app, live, form...), "invalid_target")
		}
		refused(t, "a scope of the other one", s.Refresh(t, s.app, live, "resource", orders, "scope", "invoices.read"), "invalid_scope")
		refused(t, "a scope of neither", s.Refresh(t, s.app, live, "resource", orders, "scope", "orders.write"), "invalid_scope")

		told := s.introspect(t, s.app, live)
		audience, _ := told.JSON()["aud"].([]any)
		if !slices.Equal(audience, []any{orders, billing}) || told.Member("scope") != asked {
			t.Errorf("the refresh token introspected: %s", told.Body)
		}
		if aud := s.introspect(t, s.app, first.Member("access_token")).Member("aud"); aud != billing {
			t.Errorf("the access token introspected: aud %q", aud)
		}
		if page := b.Get(t, s.Issuer+"/account"); strings.Count(page.Body, orders) != 1 || strings.Count(page.Body, billing) != 1 {
			t.Errorf("the account page lacks an API:\n%s", page.Body)
		}

		named := s.MustExchange(t, s.app, s.code(t, b, both, "scope", asked), "resource", billing)
		s.wantTokens(t, "a code, the second resource named", named, billing, atBilling)
		refused(t, "a code, another resource", s.Exchange(t, s.app, s.code(t, b, both, "scope", asked), "resource", "https://payroll.example"), "invalid_target")

		atFirst := s.Refresh(t, s.app, named.Member("refresh_token"), "resource", orders)
		s.revokeAs(t, s.app, atFirst.Member("refresh_token"))
		for _, a := range []authtest.Answer{named, atFirst} {
			s.wantActive(t, s.app, a.Member("access_token"), false)
		}
	})
}

func (s *shop) revokeAs(t *testing.T, c authtest.Client, token string) {
	t.Helper()
	form := values("token", token, "client_id", c.Registration.ClientID, "client_secret", c.Secret.Reveal())
	if a := s.Do(t, http.MethodPost, "/oauth/revoke", form.Encode(), "Content-Type", formType); a.Status != http.StatusOK {
		t.Fatalf("revoke: %d %s", a.Status, a.Body)
	}
}

// TestA4ParallelRefreshesForSeveralResources: which resource is named makes no second
// successor.
func TestA4ParallelRefreshesForSeveralResources(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := newShop(t, on)
		first := s.MustExchange(t, s.app, s.code(t, s.NewBrowser(t), both)).Member("refresh_token")
		var wrong atomic.Int64
		next := oneSuccessor(t, first, func(i int) authtest.Answer {
			a := s.Refresh(t, s.app, first, "resource", both[i%2])
			if strings.Contains(a.Member("scope"), "invoices") != (i%2 == 1) {
				wrong.Add(1)
			}
			return a
		})
		if wrong.Load() > 0 {
			t.Errorf("%d answers have the scopes of the other resource", wrong.Load())
		}
		s.wantTokens(t, "the successor", s.Refresh(t, s.app, next, "resource", billing), billing, "invoices.pay invoices.read openid")
	})
}

func TestConsentAtSeveralResources(t *testing.T) {
	s := newShop(t, authtest.Config{})
	b := s.NewBrowser(t)
	s.code(t, b, both[:1], "scope", "orders.read")
	page := b.Get(t, s.at(s.app, both, "scope", "orders.read invoices.read"))
	if !page.AsksConsent() {
		t.Fatalf("a second resource, and nobody was asked: %s", page.URL)
	}
	if ask, known, _ := strings.Cut(page.Body, "You have already allowed it to"); !strings.Contains(ask, "See your invoices") || !strings.Contains(known, "See your orders") {
		t.Errorf("what is new and what is known:\n%s", page.Body)
	}
	if p := b.Get(t, s.at(s.app, both, "scope", "orders.read invoices.read", "prompt", "none")); p.Callback.Get("error") != "consent_required" {
		t.Errorf("prompt none: %s", p.URL)
	}
	if p := b.Submit(t, page, "decision", "deny"); p.Callback.Get("error") != "access_denied" {
		t.Errorf("denied: %s", p.URL)
	}
	s.code(t, b, both, "scope", "orders.read invoices.read")
	for _, resources := range [][]string{both, {billing, orders}, {billing}, {orders, orders, billing}} {
		if p := b.Get(t, s.at(s.app, resources, "scope", "orders.read invoices.read")); p.Callback.Get("code") == "" {
			t.Errorf("allowed before, and asked again for %v: %s", resources, p.URL)
		}
	}
	t.Run("it is for what stood on the page", func(t *testing.T) {
		s.billingAllows(t, 2, "invoices.read")
		fresh := s.NewBrowser(t)
		open := fresh.Submit(t, fresh.Get(t, s.at(s.app, both, "prompt", "consent")), "username", "bob", "password", authtest.Password)
		s.billingAllows(t, 3, "invoices.read", "invoices.pay")
		if p := fresh.Submit(t, open, "decision", "allow"); p.Status != http.StatusConflict || p.Callback != nil {
			t.Errorf("allowed what was not read: %d %s", p.Status, p.URL)
		}
	})
}

// TestAResourceThatIsLost: the app keeps what is still good.
func TestAResourceThatIsLost(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := newShop(t, on)
		b := s.NewBrowser(t)
		const asked = "orders.read invoices.read" // openid would be left everywhere
		refresh := s.MustExchange(t, s.app, s.code(t, b, both, "scope", asked)).Member("refresh_token")
		late := s.code(t, b, both, "scope", asked)
		named := s.code(t, b, both, "scope", asked)
		s.billingAllows(t, 2)
		refused(t, "policy allows nothing there", s.Refresh(t, s.app, refresh, "resource", billing), "invalid_target")
		a := s.Refresh(t, s.app, refresh)
		s.wantTokens(t, "the first", a, orders, "orders.read")
		refresh = a.Member("refresh_token")
		if told := s.introspect(t, s.app, refresh); told.Member("aud") != orders || told.Member("scope") != "orders.read" {
			t.Errorf("introspected: %s", told.Body)
		}
		a = s.MustExchange(t, s.app, late)
		s.wantTokens(t, "a code that was made before", a, orders, "orders.read")
		refused(t, "a code for what is lost", s.Exchange(t, s.app, named, "resource", billing), "invalid_target")

		if p := b.Get(t, s.at(s.app, both, "scope", asked)); p.Callback.Get("code") == "" {
			t.Errorf("a request of which part can be granted: %s", p.URL)
		} else {
			refused(t, "what was not granted", s.Exchange(t, s.app, p.Callback.Get("code"), "resource", billing), "invalid_target")
		}
		s.billingAllows(t, 3, "invoices.read")
		s.wantTokens(t, "it is back", s.Refresh(t, s.app, refresh, "resource", billing), billing, "invoices.read")
		refused(t, "a family that begun without it", s.Refresh(t, s.app, a.Member("refresh_token"), "resource", billing), "invalid_target")
	})
	t.Run("the first of them", func(t *testing.T) {
		s := newShop(t, authtest.Config{})
		b := s.NewBrowser(t)
		asked := s.at(s.app, []string{billing, orders}, "scope", "orders.read invoices.read")
		page := b.Complete(t, b.Get(t, asked), "ada")
		a := s.MustExchange(t, s.app, page.Callback.Get("code"))
		s.wantTokens(t, "the first", a, billing, "invoices.read")
		refresh := a.Member("refresh_token")
		late := b.Get(t, asked).Callback.Get("code")
		s.billingAllows(t, 2)
		refused(t, "not for another audience than ever before", s.Refresh(t, s.app, refresh), "invalid_target")
		refused(t, "nor with a scope of it", s.Refresh(t, s.app, refresh, "scope", "invoices.read"), "invalid_target")
		s.wantTokens(t, "the one that is left", s.Refresh(t, s.app, refresh, "resource", orders), orders, "orders.read")
		s.wantTokens(t, "an app that has had none begins with what is left", s.MustExchange(t, s.app, late), orders, "orders.read")
	})
	t.Run("all of them", func(t *testing.T) {
		s := newShop(t, authtest.Config{})
		refresh := s.MustExchange(t, s.app, s.code(t, s.NewBrowser(t), both)).Member("refresh_token")
		s.change(t, s.app, func(r *oauth.Registration) { r.Managed.Resources = []string{"https://payroll.example"} })
		refused(t, "neither is the client's any more", s.Refresh(t, s.app, refresh, "resource", billing), "invalid_grant")
		s.wantActive(t, s.app, refresh, false)
	})
}

func TestResourcesThatAreRefused(t *testing.T) {
	s := newShop(t, authtest.Config{})
	b := s.NewBrowser(t)
	many := make([]string, 9)
	for i := range many {
		many[i] = orders
	}
	for rule, resources := range map[string][]string{
		"one of them is not the client's": {orders, "https://payroll.example"},
		"one of them is no URI":           {orders, "billing"},
		"A15: too many":                   many,
	} {
		if p := b.Get(t, s.at(s.app, resources)); p.Callback.Get("error") != "invalid_target" || p.Callback.Get("iss") != s.Issuer {
			t.Errorf("%s: %d %s", rule, p.Status, p.URL)
		}
	}
}

// TestSeveralResourcesOfAnAppThatRegisteredItself, and named no scope.
func TestSeveralResourcesOfAnAppThatRegisteredItself(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	p := authtest.Policy("more", billing, "invoices.read")
	p.Allow[0].SelfRegistered = true
	w.MustPutPolicy(t, p)
	const callback = "http://127.0.0.1:33418/callback"
	id, _ := mustSelfRegister(t, w.Server, `{"client_name":"Notes","redirect_uris":["`+callback+`"]}`)
	c := authtest.Client{Registration: oauth.Registration{ClientID: id, TokenEndpointAuthMethod: oauth.AuthNone}}
	asked := w.AuthorizeURL(c, "redirect_uri", callback, "scope", "") + "&" + url.Values{"resource": {api, billing}}.Encode()
	page := w.browser.Complete(t, w.browser.Get(t, asked), "ada")
	a := w.Token(t, c, "grant_type", "authorization_code", "code", page.Callback.Get("code"), "code_verifier", authtest.Verifier)
	if a.Status != http.StatusOK || a.Member("scope") != "posts.compose posts.read" {
		t.Fatalf("exchange: %d %s", a.Status, a.Body)
	}
	if a = w.Refresh(t, c, a.Member("refresh_token"), "resource", billing); a.Member("scope") != "invoices.read" {
		t.Errorf("refresh: %d %s", a.Status, a.Body)
	}
}

func TestPushedRequestForSeveralResources(t *testing.T) {
	s := newShop(t, authtest.Config{})
	asked, err := url.Parse(s.at(s.app, both))
	if err != nil {
		t.Fatal(err)
	}
	form := asked.Query()
	form.Set("client_secret", s.app.Secret.Reveal())
	pushed := s.Do(t, http.MethodPost, "/oauth/par", form.Encode(), "Content-Type", formType)
	if pushed.Status != http.StatusCreated {
		t.Fatalf("%d %s", pushed.Status, pushed.Body)
	}
	b := s.NewBrowser(t)
	page := b.Complete(t, b.Get(t, s.Issuer+"/oauth/authorize?"+values("client_id", "apps.shop", "request_uri", pushed.Member("request_uri")).Encode()), "ada")
	a := s.MustExchange(t, s.app, page.Callback.Get("code"))
	s.wantTokens(t, "the second", s.Refresh(t, s.app, a.Member("refresh_token"), "resource", billing), billing, "invoices.pay invoices.read openid")
}
