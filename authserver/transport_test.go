package authserver_test

import (
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
)

func TestStrictTransportSecurity(t *testing.T) {
	for issuer, want := range map[string]string{"https://login.example": "max-age=31536000", "": ""} {
		on := authtest.Config{}
		on.Settings.Issuer = issuer
		s := authtest.Start(t, on)
		for _, request := range []string{
			"GET /.well-known/openid-configuration", "GET /.well-known/jwks.json", "GET /oauth/authorize", "GET /account", "POST /oauth/token",
			"GET /oauth/logo/x", "DELETE /oauth/token", "OPTIONS /oauth/token", "GET /healthz", "GET /nowhere", "GET /", "GET /assets/style.css",
		} {
			method, path, _ := strings.Cut(request, " ")
			if a := s.Do(t, method, path, ""); a.Header.Get("Strict-Transport-Security") != want || len(a.Header.Values("Strict-Transport-Security")) > 1 {
				t.Errorf("%s, issuer %q: %q, want %q", request, issuer, a.Header.Get("Strict-Transport-Security"), want)
			}
		}
	}
}
