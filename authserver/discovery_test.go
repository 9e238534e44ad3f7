package authserver_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

// metadata reads a well-known document; it must answer 200 without a redirect.
func metadata(t *testing.T, s *authtest.Server, path string) oauth.ServerMetadata {
	t.Helper()
	r := request(t, s.URL+path)
	r.Host = "evil.example"
	a := s.Send(t, r)
	if a.Status != 200 || a.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %d %s", path, a.Status, a.Body)
	}
	if strings.Contains(a.Body, "null") || strings.Contains(a.Body, "evil.example") {
		t.Errorf("%s has null members or follows the Host header: %s", path, a.Body)
	}
	var m oauth.ServerMetadata
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDiscoveryTellsTheTruth: every advertised value works, and what is not
// advertised is refused.
func TestDiscoveryTellsTheTruth(t *testing.T) {
	s := authtest.Start(t, authtest.Config{MachinesOnly: true})
	for _, users := range []bool{false, true, false} { // whatever it was before
		s.Settings.Users = users
		s.Reload(t)
		t.Run(fmt.Sprintf("users %v", users), func(t *testing.T) { checkDiscovery(t, s, users) })
	}
}

func checkDiscovery(t *testing.T, s *authtest.Server, users bool) {
	if m := metadata(t, s, "/.well-known/openid-configuration"); users != (m.AuthorizationEndpoint != "") || users != slices.Contains(m.GrantTypesSupported, oauth.GrantAuthorizationCode) {
		t.Errorf("people sign in: %v; the metadata: %+v", users, m)
	}
	m := metadata(t, s, "/.well-known/oauth-authorization-server")
	if other := metadata(t, s, "/.well-known/openid-configuration"); other.TokenEndpoint != m.TokenEndpoint || other.Issuer != m.Issuer {
		t.Errorf("the two documents differ: %+v, %+v", m, other)
	}
	if m.Issuer != s.Issuer {
		t.Errorf("issuer %q, want %q character for character", m.Issuer, s.Issuer)
	}
	path := func(u string) string {
		below, ok := strings.CutPrefix(u, s.Issuer)
		if !ok {
			t.Fatalf("endpoint %q is not below the issuer", u)
		}
		return below
	}
	if a := s.Do(t, "GET", path(m.JWKSURI), ""); a.Status != 200 {
		t.Errorf("jwks_uri: %d", a.Status)
	}
	if a := s.SendJSON(t, "POST", path(m.RegistrationEndpoint), authtest.RegistrarToken, authtest.NewClient("x").Registration); a.Status != 201 && a.Status != 200 {
		t.Errorf("registration_endpoint: %d %s", a.Status, a.Body)
	}
	for _, method := range []oauth.AuthMethod{"client_secret_basic", "client_secret_post", "none", "private_key_jwt", "client_secret_jwt"} {
		c := authtest.NewClient("m-"+strings.ReplaceAll(string(method), "_", "-"), func(r *oauth.Registration) { r.TokenEndpointAuthMethod = method })
		accepted := func() bool { return s.Token(t, c).Status == 200 }
		if method == oauth.AuthNone { // may not have client_credentials: the grant is reached, and refuses
			authtest.WithCode("")(&c.Registration)
			authtest.Public(&c.Registration)
			accepted = func() bool { return s.Exchange(t, c, "x").Error() == "invalid_grant" }
		}
		advertised := slices.Contains(m.TokenEndpointAuthMethodsSupported, method)
		status := s.Register(t, c.Registration).Status
		works := (status == 201 || status == 200) && accepted()
		if works != advertised {
			t.Errorf("token_endpoint_auth_method %s: advertised %v, works %v", method, advertised, works)
		}
	}
	c := s.MustRegister(t, authtest.NewClient("grants", authtest.WithCode(""), func(r *oauth.Registration) { r.GrantTypes = oauth.SupportedGrantTypes() }))
	authorization := s.TokenRequest(t, c).Header.Get("Authorization")
	for _, g := range []oauth.GrantType{"client_credentials", "authorization_code", "refresh_token", "password", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"} {
		a := s.Do(t, "POST", path(m.TokenEndpoint), url.Values{"grant_type": {string(g)}}.Encode(), "Authorization", authorization, "Content-Type", "application/x-www-form-urlencoded")
		advertised := slices.Contains(m.GrantTypesSupported, g)
		if known := a.Error() != "unsupported_grant_type"; known != advertised || a.Error() == "unauthorized_client" {
			t.Errorf("grant_type %s: advertised %v, answer %d %s", g, advertised, a.Status, a.Body)
		}
	}
	pages := func(path string) string { // those that no metadata member names
		if users {
			return s.Issuer + path
		}
		return ""
	}
	for name, endpoint := range map[string]string{
		"/account": pages("/account"), "/oauth/continue": pages("/oauth/continue"), "/oauth/callback/x": pages("/oauth/callback/x"),
		"/oauth/authorize": m.AuthorizationEndpoint, "/oauth/revoke": m.RevocationEndpoint, "/oauth/introspect": m.IntrospectionEndpoint,
		"/oauth/par": m.PushedAuthorizationRequestEndpoint, "/userinfo": m.UserinfoEndpoint, "/oauth/logout": m.EndSessionEndpoint,
		"/oauth/device_authorization": m.DeviceAuthorizationEndpoint,
	} {
		if a := s.Do(t, "POST", name, ""); (a.Status != 404) != (endpoint != "") {
			t.Errorf("%s: advertised as %q, answers %d", name, endpoint, a.Status)
		}
	}
	if !slices.Equal(m.IDTokenSigningAlgValuesSupported, []string{"ES256"}) {
		t.Errorf("algorithms %v", m.IDTokenSigningAlgValuesSupported)
	}
}

func TestIssuerWithAPath(t *testing.T) {
	s := authtest.Start(t, authtest.Config{IssuerPath: "/tenants/a"})
	for _, path := range []string{
		"/.well-known/oauth-authorization-server/tenants/a", // RFC 8414, Section 3.1
		"/.well-known/openid-configuration/tenants/a",
		"/tenants/a/.well-known/openid-configuration", // OpenID Connect Discovery 1.0, Section 4
		"/tenants/a/.well-known/oauth-authorization-server",
	} {
		m := metadata(t, s, path)
		if m.Issuer != s.Issuer || m.TokenEndpoint != s.Issuer+"/oauth/token" {
			t.Errorf("%s: %+v", path, m)
		}
	}
	if a := s.Do(t, "GET", "/tenants/a/.well-known/jwks.json", ""); a.Status != 200 {
		t.Errorf("jwks: %d", a.Status)
	}
	if a := s.Do(t, "GET", "/tenants/ab/.well-known/jwks.json", ""); a.Status != 404 {
		t.Errorf("a path that only begins like the issuer's: %d", a.Status)
	}
	c := s.MustRegister(t, authtest.NewClient("app"))
	claims(t, s.Issuer, s.Issuer, s.MustToken(t, c))
}

func TestRoutesAndCacheHeaders(t *testing.T) {
	s := authtest.Start(t, authtest.Config{Settings: endpoint.Settings{JWKSMaxAge: 7 * 60e9}})
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
		cache        string
	}{
		{"GET", "/oauth/token", 405, "POST", "no-store"},
		{"POST", "/.well-known/jwks.json", 405, "GET, HEAD", ""},
		// What changes something by GET has no HEAD, which link previews send.
		{"HEAD", "/oauth/authorize", 405, "GET, POST", "no-store"},
		{"HEAD", "/oauth/continue", 405, "GET, POST", "no-store"},
		{"HEAD", "/oauth/logout", 405, "GET, POST", "no-store"},
		{"HEAD", "/oauth/upstream/x", 405, "GET", "no-store"},
		{"HEAD", "/oauth/callback/x", 405, "GET", "no-store"},
		{"HEAD", "/account/upstream/x", 405, "GET", "no-store"},
		{"HEAD", "/account", 200, "", "no-store"},
		{"PATCH", "/oauth/register/apps.x", 405, "DELETE, GET, HEAD, PUT", "no-store"},
		{"HEAD", "/.well-known/jwks.json", 200, "", "public, max-age=420"},
		{"GET", "/.well-known/jwks.json", 200, "", "public, max-age=420"},
		{"GET", "/healthz", 200, "", "no-store"},
		{"GET", "/readyz", 200, "", "no-store"},
		{"GET", "/", 404, "", "no-store"},
		{"GET", "/oauth/register/", 404, "", "no-store"},
		{"GET", "/oauth/register/a/b", 404, "", "no-store"},
		{"GET", "/oauth/token/", 404, "", "no-store"},
		{"GET", "//oauth/token", 404, "", "no-store"},
		{"GET", "/metrics", 404, "", "no-store"}, // on its own listener
	} {
		a := s.Do(t, c.method, c.path, "")
		if a.Status != c.status || a.Header.Get("Allow") != c.allow || a.Header.Get("Cache-Control") != c.cache {
			t.Errorf("%s %s: %d, Allow %q, Cache-Control %q", c.method, c.path, a.Status, a.Header.Get("Allow"), a.Header.Get("Cache-Control"))
		}
		if a.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: no nosniff", c.method, c.path)
		}
	}
	first := s.Do(t, "GET", "/.well-known/jwks.json", "")
	if a := s.Do(t, "GET", "/.well-known/jwks.json", "", "If-None-Match", first.Header.Get("ETag")); a.Status != 304 || a.Body != "" {
		t.Errorf("If-None-Match: %d", a.Status)
	}
	if strings.Contains(first.Body, `"d"`) || !strings.Contains(first.Body, s.Signing.Keys[0].KID) || !strings.Contains(first.Body, s.Signing.Keys[1].KID) {
		t.Errorf("JWKS: %s", first.Body)
	}
}
