package authserver_test

import (
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

// registrarRoutes are those that only registrars may call, with a method of each.
var registrarRoutes = map[string]string{
	"/registrar/v1/resources/uid":        http.MethodPut,
	"/registrar/v1/inventory":            http.MethodGet,
	"/registrar/v1/changes":              http.MethodGet,
	"/registrar/v1/complete":             http.MethodPut,
	"/registrar/v1/replicas":             http.MethodGet,
	"/registrar/v1/people":               http.MethodGet,
	"/registrar/v1/people/local/ada":     http.MethodGet,
	"/registrar/v1/self-registered":      http.MethodGet,
	"/registrar/v1/self-registered/apps": http.MethodDelete,
}

func separate(t *testing.T, change ...func(*endpoint.RegistrationSettings)) *authtest.Server {
	t.Helper()
	return authtest.Start(t, open(authtest.Config{RegistrarPort: true}, change...))
}

// TestThePublicPortGivesARegistrarNoRights: whoever gets hold of a registrar's token can
// do no more at the public port than somebody who may register an app.
func TestThePublicPortGivesARegistrarNoRights(t *testing.T) {
	s := separate(t)
	app := s.MustRegister(t, authtest.NewClient("app"))
	s.MustToken(t, app)
	bearer := []string{"Authorization", "Bearer " + authtest.RegistrarToken, "Content-Type", "application/json"}
	nothing := s.DoAt(t, s.URL, http.MethodGet, "/nothing", "")
	for path, method := range registrarRoutes {
		if a := s.DoAt(t, s.URL, method, path, "{}", bearer...); a.Status != http.StatusNotFound || a.Body != nothing.Body {
			t.Errorf("%s %s: %d %s, want 404 as for any path", method, path, a.Status, a.Body)
		}
		if a := s.DoAt(t, s.RegistrarURL, method, path, "{}", bearer...); a.Status == http.StatusNotFound || a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden {
			t.Errorf("%s %s at the registrar port: %d %s", method, path, a.Status, a.Body)
		}
	}
	for method, body := range map[string]string{http.MethodGet: "", http.MethodPut: `{"client_id":"apps.app"}`, http.MethodDelete: ""} {
		a := s.DoAt(t, s.URL, method, "/oauth/register/apps.app?owner_namespace=apps&owner_name=app&owner_uid=uid-app&counter=9", body, bearer...)
		if a.Status != http.StatusForbidden || !strings.Contains(a.Member("error_description"), "registrar port") {
			t.Errorf("%s of a client: %d %s", method, a.Status, a.Body)
		}
	}
	s.MustToken(t, app)
	// Verb manage is verb register there: the app belongs to no OAuthClient.
	a := s.DoAt(t, s.URL, http.MethodPost, "/oauth/register", seed1, bearer...)
	if a.Status != http.StatusCreated || a.JSON()["clientele_managed"] != nil || a.Member("registration_access_token") == "" {
		t.Errorf("register: %d %s", a.Status, a.Body)
	}
	if a := s.DoAt(t, s.URL, http.MethodPost, "/oauth/register", `{"client_id":"apps.other","grant_types":["client_credentials"],"clientele_managed":{"owner":{"namespace":"apps","name":"other","uid":"u"}}}`, bearer...); a.Status != http.StatusBadRequest {
		t.Errorf("register with a registrar's members: %d %s", a.Status, a.Body)
	}
	closed := separate(t, func(r *endpoint.RegistrationSettings) { r.Mode = endpoint.RegistrationDisabled })
	if a := closed.DoAt(t, closed.URL, http.MethodPost, "/oauth/register", seed1, bearer...); a.Status != http.StatusForbidden {
		t.Errorf("register where nobody may: %d %s", a.Status, a.Body)
	}
}

// TestTheRegistrarPortTakesRegistrarsOnly: it has what the operator calls, and nothing that
// people and apps use.
func TestTheRegistrarPortTakesRegistrarsOnly(t *testing.T) {
	s := separate(t)
	s.MustRegister(t, authtest.NewClient("app"))
	id, token := mustSelfRegister(t, s, seed1)
	at := func(method, path, body string, header ...string) authtest.Answer {
		return s.DoAt(t, s.RegistrarURL, method, path, body, append(header, "Content-Type", "application/json")...)
	}
	for path, method := range readable {
		public := !strings.HasPrefix(path, "/oauth/register") && !strings.HasPrefix(path, "/.well-known/oauth")
		if a := at(method, path, "{}"); public != (a.Status == http.StatusNotFound) {
			t.Errorf("%s %s: %d", method, path, a.Status)
		}
	}
	for _, path := range []string{"/oauth/authorize", "/account", "/oauth/logout", "/.well-known/openid-configuration"} {
		if a := at(http.MethodGet, path, ""); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/.well-known/oauth-authorization-server"} {
		if a := at(http.MethodGet, path, "", "Origin", "https://page.example"); a.Status != http.StatusOK || a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %d %v", path, a.Status, a.Header)
		}
	}
	for who, c := range map[string]struct {
		token string
		want  int
	}{
		"nobody":                         {"", http.StatusUnauthorized},
		"somebody with verb register":    {authtest.RegisterToken, http.StatusForbidden},
		"somebody without any right":     {authtest.NobodyToken, http.StatusForbidden},
		"the holder of a client's token": {token, http.StatusUnauthorized},
	} {
		var header []string
		if c.token != "" {
			header = []string{"Authorization", "Bearer " + c.token}
		}
		for _, call := range [][3]string{
			{http.MethodPost, "/oauth/register", seed1}, {http.MethodGet, "/oauth/register/" + id}, {http.MethodPut, "/oauth/register/" + id, seed1},
			{http.MethodDelete, "/oauth/register/" + id}, {http.MethodGet, "/registrar/v1/inventory"},
		} {
			if a := at(call[0], call[1], call[2], header...); a.Status != c.want {
				t.Errorf("%s, %s %s: %d %s, want %d", who, call[0], call[1], a.Status, a.Body, c.want)
			}
		}
	}
	if a := s.SendText(t, http.MethodGet, "/oauth/register/"+id, token, ""); a.Status != http.StatusOK {
		t.Errorf("at the public port the token is good: %d %s", a.Status, a.Body)
	}
	if a := at(http.MethodOptions, "/oauth/register", "", "Origin", "https://page.example", "Access-Control-Request-Method", "POST"); a.Status != http.StatusMethodNotAllowed {
		t.Errorf("a browser asks beforehand: %d", a.Status)
	}
}

// TestTheRegistrarPortTakesPathsWithAndWithoutTheIssuers: the operator knows the port by
// another URL than the issuer.
func TestTheRegistrarPortTakesPathsWithAndWithoutTheIssuers(t *testing.T) {
	s := authtest.Start(t, open(authtest.Config{RegistrarPort: true, IssuerPath: "/tenants/a"}))
	bearer := []string{"Authorization", "Bearer " + authtest.RegistrarToken}
	for _, path := range []string{"/registrar/v1/inventory", "/tenants/a/registrar/v1/inventory"} {
		if a := s.DoAt(t, s.RegistrarURL, http.MethodGet, path, "", bearer...); a.Status != http.StatusOK {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	var m oauth.ServerMetadata
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/tenants/a"} {
		decodeJSON(t, s.DoAt(t, s.RegistrarURL, http.MethodGet, path, ""), &m)
		if m.RegistrationEndpoint != s.Issuer+"/oauth/register" || m.Protocol != oauth.Protocol || m.Version != authtest.Version {
			t.Errorf("%s: %+v", path, m)
		}
	}
}
