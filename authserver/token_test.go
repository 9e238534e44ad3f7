package authserver_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

const orders = "https://orders.example"

// withScopes registers scopes and resources.
func withScopes(scope string, resources ...string) func(*oauth.Registration) {
	return func(r *oauth.Registration) {
		r.Scope = scope
		r.Managed.Resources = resources
	}
}

func withPost(r *oauth.Registration) { r.TokenEndpointAuthMethod = oauth.AuthClientSecretPost }

// claims verifies a token with a library that is not ours, which finds the keys
// by discovery.
func claims(t *testing.T, issuer, audience, token string) map[string]any {
	t.Helper()
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := provider.Verifier(&oidc.Config{ClientID: audience}).Verify(context.Background(), token)
	if err != nil {
		t.Fatalf("go-oidc refuses the token: %v", err)
	}
	var c map[string]any
	if err := verified.Claims(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTokenIsVerifiedByAnotherLibrary(t *testing.T) {
	for _, alg := range []string{keys.ES256, keys.RS256} {
		t.Run(alg, func(t *testing.T) {
			s := authtest.Start(t, authtest.Config{Settings: endpoint.Settings{Algorithm: alg}})
			s.Signing = authtest.SigningKeys(t, s.Clock.Now(), alg)
			s.Reload(t)
			s.MustPutPolicy(t, authtest.Policy("p1", orders, "orders.read", "orders.write"))
			c := s.MustRegister(t, authtest.NewClient("shop", withScopes("orders.read orders.write", orders)))
			a := s.Token(t, c, "scope", "orders.read")
			if a.Status != http.StatusOK || a.Member("token_type") != "Bearer" || a.Member("scope") != "orders.read" || a.JSON()["expires_in"] != 900.0 {
				t.Fatalf("answer %d %s", a.Status, a.Body)
			}
			if a.JSON()["refresh_token"] != nil {
				t.Error("a refresh token for client_credentials (RFC 6749, Section 4.4.3)")
			}
			got := claims(t, s.Issuer, orders, a.Member("access_token"))
			now := float64(s.Clock.Now().Unix())
			for name, want := range map[string]any{
				"iss": s.Issuer, "sub": "apps.shop", "aud": orders, "client_id": "apps.shop",
				"scope": "orders.read", "iat": now, "exp": now + 900,
			} {
				if got[name] != want {
					t.Errorf("%s = %v, want %v", name, got[name], want)
				}
			}
			if jti, _ := got["jti"].(string); len(jti) < 22 {
				t.Errorf("jti %q has less than 128 bits", jti)
			}
		})
	}
}

func TestClientAuthentication(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	basic := s.MustRegister(t, authtest.NewClient("basic"))
	post := s.MustRegister(t, authtest.NewClient("post", withPost))
	disabled := s.MustRegister(t, authtest.NewClient("disabled", func(r *oauth.Registration) { r.Managed.Disabled = true }))

	asPost := func(c authtest.Client) authtest.Client {
		c.Registration.TokenEndpointAuthMethod = oauth.AuthClientSecretPost
		return c
	}
	asBasic := func(c authtest.Client) authtest.Client {
		c.Registration.TokenEndpointAuthMethod = oauth.AuthClientSecretBasic
		return c
	}
	wrong := basic
	wrong.Secret = authtest.NewClient("x").Secret
	unknown := authtest.NewClient("nobody")
	withHeader := func(header ...string) func() authtest.Answer {
		return func() authtest.Answer {
			r := s.TokenRequest(t, basic)
			r.Header["Authorization"] = header
			return s.Send(t, r)
		}
	}
	token := func(c authtest.Client, form ...string) func() authtest.Answer {
		return func() authtest.Answer { return s.Token(t, c, form...) }
	}
	percent := func() authtest.Answer { // INTEROP 2: everything percent-encoded
		r := s.TokenRequest(t, basic)
		r.SetBasicAuth(strings.ReplaceAll(basic.Registration.ClientID, ".", "%2E"), strings.ReplaceAll(basic.Secret.Reveal(), "_", "%5F"))
		return s.Send(t, r)
	}
	for _, c := range []struct {
		rule   string
		send   func() authtest.Answer
		status int
		code   string
	}{
		{"basic", token(basic), 200, ""},
		{"basic with everything percent-encoded", percent, 200, ""},
		{"post", token(post), 200, ""},
		{"basic and the same client_id in the form", token(basic, "client_id", "apps.basic"), 200, ""},
		{"basic and another client_id in the form", token(basic, "client_id", "apps.post"), 400, "invalid_request"},
		{"two methods at once", token(basic, "client_id", "apps.basic", "client_secret", "x"), 400, "invalid_request"},
		{"post by a client registered for basic", token(asPost(basic)), 401, "invalid_client"},
		{"basic by a client registered for post", token(asBasic(post)), 401, "invalid_client"},
		{"wrong secret", token(wrong), 401, "invalid_client"},
		{"unknown client", token(unknown), 401, "invalid_client"},
		{"disabled client", token(disabled), 401, "invalid_client"},
		{"two Authorization headers", withHeader("Basic YTpi", "Basic YTpi"), 400, "invalid_request"},
		{"another scheme", withHeader("Bearer abc"), 401, "invalid_client"},
		{"no base64", withHeader("Basic ***"), 401, "invalid_client"},
		{"A13: base64 without its padding", withHeader("Basic YTpiYg"), 401, "invalid_client"},
		{"no colon", withHeader("Basic YWJj"), 401, "invalid_client"},
		{"no credentials", func() authtest.Answer {
			return s.Do(t, "POST", "/oauth/token", "grant_type=client_credentials", "Content-Type", "application/x-www-form-urlencoded")
		}, 401, "invalid_client"},
		{"client_id without a secret", func() authtest.Answer {
			return s.Do(t, "POST", "/oauth/token", "grant_type=client_credentials&client_id=apps.post", "Content-Type", "application/x-www-form-urlencoded")
		}, 401, "invalid_client"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := c.send()
			if a.Status != c.status || a.Error() != c.code {
				t.Fatalf("%d %s, want %d %s", a.Status, a.Body, c.status, c.code)
			}
			if challenge := a.Header.Get("WWW-Authenticate"); (challenge != "") != (a.Status == 401) {
				t.Errorf("WWW-Authenticate %q on a %d", challenge, a.Status)
			}
			if a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("Cache-Control %q", a.Header.Get("Cache-Control"))
			}
		})
	}
}

func TestResourceScopeAndLifetime(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	p := authtest.Policy("p1", orders, "read", "write", "slow", "secret")
	p.Scopes[2].MaxAccessTokenLifetime = 120
	p.Allow = []policy.Rule{{Scopes: []string{"read", "write", "slow"}}}
	s.MustPutPolicy(t, p)
	s.MustPutPolicy(t, authtest.Policy("p2", "https://stock.example", "count"))

	plain := s.MustRegister(t, authtest.NewClient("plain"))
	shop := s.MustRegister(t, authtest.NewClient("shop", withScopes("read slow secret", orders, "https://stock.example")))
	brief := s.MustRegister(t, authtest.NewClient("brief", withScopes("read", orders), func(r *oauth.Registration) { r.Managed.AccessTokenLifetime = 300 }))
	denied := s.MustRegister(t, authtest.NewClient("denied", withScopes("secret", orders)))
	bare := s.MustRegister(t, authtest.NewClient("bare", withScopes("", orders)))

	for _, c := range []struct {
		rule   string
		client authtest.Client
		form   []string
		code   string // error, or
		scope  string
		aud    string
		life   float64
	}{
		{"no scope registered, the issuer is the default resource", plain, nil, "", "", s.Issuer, 900},
		{"no scope registered, another resource", bare, nil, "invalid_scope", "", "", 0},
		{"omitted scope: all that is granted; the client's first resource", shop, nil, "", "read slow", orders, 120},
		{"asked scope only, server lifetime", shop, []string{"scope", "read"}, "", "read", orders, 900},
		{"asked scope twice", shop, []string{"scope", "read read"}, "", "read", orders, 900},
		{"the client's lifetime shortens", brief, nil, "", "read", orders, 300},
		{"asked scope is not registered", shop, []string{"scope", "read write"}, "invalid_scope", "", "", 0},
		{"asked scope is not allowed", shop, []string{"scope", "secret"}, "invalid_scope", "", "", 0},
		{"none of the registered is granted", denied, nil, "invalid_scope", "", "", 0},
		{"scope of another resource", shop, []string{"scope", "read", "resource", "https://stock.example"}, "invalid_scope", "", "", 0},
		{"scope with a quote", shop, []string{"scope", `re"ad`}, "invalid_scope", "", "", 0},
		{"resource becomes aud", shop, []string{"scope", "read", "resource", orders}, "", "read", orders, 900},
		{"resource that is not registered", shop, []string{"resource", "https://other.example"}, "invalid_target", "", "", 0},
		{"resource with a fragment", shop, []string{"resource", orders + "#x"}, "invalid_target", "", "", 0},
		{"relative resource", shop, []string{"resource", "orders"}, "invalid_target", "", "", 0},
		{"two resources", shop, []string{"resource", orders, "resource", "https://stock.example"}, "invalid_target", "", "", 0},
		{"A15: a hundred and one scopes", shop, []string{"scope", strings.Repeat("read ", 100) + "read"}, "invalid_scope", "", "", 0},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := s.Token(t, c.client, c.form...)
			if a.Error() != c.code || (c.code != "") != (a.Status == 400) {
				t.Fatalf("%d %s, want error %q", a.Status, a.Body, c.code)
			}
			if c.code != "" {
				return
			}
			if a.Member("scope") != c.scope || a.JSON()["expires_in"] != c.life {
				t.Errorf("answer %s, want scope %q and %v s", a.Body, c.scope, c.life)
			}
			if _, has := a.JSON()["scope"]; has != (c.scope != "") {
				t.Error("an empty scope must be left out (INTEROP 5)")
			}
			claims(t, s.Issuer, c.aud, a.Member("access_token"))
		})
	}
	a := s.Token(t, shop, "scope", "read write")
	if !strings.Contains(a.Member("error_description"), "write") {
		t.Errorf("the description does not name the scope: %s", a.Body)
	}
}

func TestF31PolicyCountsAtOnce(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		p := authtest.Policy("p1", orders, "read")
		s.MustPutPolicy(t, p)
		c := s.MustRegister(t, authtest.NewClient("shop", withScopes("read", orders)))
		for range 3 { // the second and third come from the cache of decisions
			s.MustToken(t, c)
		}
		p.Generation, p.Allow = 2, nil
		s.MustPutPolicy(t, p)
		if a := s.Token(t, c); a.Error() != "invalid_scope" {
			t.Fatalf("after the policy was tightened: %d %s", a.Status, a.Body)
		}
		p = authtest.Policy("p1", orders, "read")
		p.Generation = 3
		s.MustPutPolicy(t, p)
		s.MustToken(t, c)
		if a := s.SendJSON(t, "DELETE", "/registrar/v1/resources/p1", authtest.RegistrarToken, nil); a.Status != 204 {
			t.Fatalf("delete the policy: %d %s", a.Status, a.Body)
		}
		if a := s.Token(t, c); a.Error() != "invalid_scope" {
			t.Fatalf("after the policy was deleted: %d %s", a.Status, a.Body)
		}
	})
}

func TestA11GrantRefusedForClientThatDidNotRegisterIt(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := s.MustRegister(t, authtest.NewClient("app"))
	for grantType, want := range map[string]string{
		"authorization_code": "unauthorized_client",
		"refresh_token":      "unauthorized_client",
		"password":           "unsupported_grant_type",
		"implicit":           "unsupported_grant_type",
		"CLIENT_CREDENTIALS": "unsupported_grant_type",
		"":                   "invalid_request",
	} {
		r := s.TokenRequest(t, c)
		form := url.Values{"grant_type": {grantType}}
		if a := s.Do(t, "POST", "/oauth/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded",
			"Authorization", r.Header.Get("Authorization")); a.Error() != want {
			t.Errorf("grant_type %q: %d %s, want %s", grantType, a.Status, a.Body, want)
		}
	}
	// A registration without grant types means authorization_code (RFC 7591,
	// Section 2); it must not end in a client that may use others.
	none := authtest.NewClient("none", func(r *oauth.Registration) { r.GrantTypes = nil })
	if a := s.Register(t, none.Registration); a.Status < 300 {
		if a := s.Token(t, none); a.Error() != "unauthorized_client" {
			t.Errorf("a client without client_credentials got %d %s", a.Status, a.Body)
		}
	}
}

func TestA13DuplicateParametersAndWrongPlaces(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := s.MustRegister(t, authtest.NewClient("app"))
	authorization := s.TokenRequest(t, c).Header.Get("Authorization")
	const form = "application/x-www-form-urlencoded"
	for _, r := range []struct{ rule, path, contentType, body string }{
		{"grant_type twice", "/oauth/token", form, "grant_type=client_credentials&grant_type=client_credentials"},
		{"scope twice, one empty", "/oauth/token", form, "grant_type=client_credentials&scope=&scope=a"},
		{"bad escape", "/oauth/token", form, "grant_type=client_credentials&scope=%zz"},
		{"parameters in the URL", "/oauth/token?scope=a", form, "grant_type=client_credentials"},
		{"JSON", "/oauth/token", "application/json", `{"grant_type":"client_credentials"}`},
		{"no content type", "/oauth/token", "", "grant_type=client_credentials"},
		{"empty body", "/oauth/token", form, ""},
	} {
		t.Run(r.rule, func(t *testing.T) {
			header := []string{"Authorization", authorization}
			if r.contentType != "" {
				header = append(header, "Content-Type", r.contentType)
			}
			if a := s.Do(t, "POST", r.path, r.body, header...); a.Status != 400 || a.Error() != "invalid_request" {
				t.Errorf("%d %s, want invalid_request", a.Status, a.Body)
			}
		})
	}
	if a := s.Do(t, "POST", "/oauth/token", "grant_type=client_credentials&unknown=1&", "Authorization", authorization,
		"Content-Type", form+"; charset=UTF-8"); a.Status != 200 {
		t.Errorf("unknown parameters must be ignored (RFC 6749, Section 3.2): %d %s", a.Status, a.Body)
	}
}

func TestTokenCarriesTheTimeOfItsIssue(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := s.MustRegister(t, authtest.NewClient("app"))
	before := claims(t, s.Issuer, s.Issuer, s.MustToken(t, c))
	s.Clock.Advance(2 * time.Second)
	after := claims(t, s.Issuer, s.Issuer, s.MustToken(t, c))
	if after["iat"].(float64)-before["iat"].(float64) != 2 {
		t.Errorf("iat %v, then %v", before["iat"], after["iat"])
	}
	if before["jti"] == after["jti"] {
		t.Error("two tokens have the same jti")
	}
}
