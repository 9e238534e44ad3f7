package jwtauthn

import (
	"context"
	"encoding/pem"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/apis/apiserver"
	"k8s.io/apiserver/plugin/pkg/authenticator/token/oidc"
)

const resource = "https://orders.shop.example"

// The API server's own JWT authenticator accepts our access tokens: it discovers
// the issuer, fetches the keys, and checks signature, issuer, audience and dates.
func TestKubernetesAcceptsAccessTokens(t *testing.T) {
	for _, algorithm := range []string{keys.ES256, keys.RS256} {
		t.Run(algorithm, func(t *testing.T) {
			server, ca := serveTLS(t, algorithm)
			server.MustPutPolicy(t, authtest.Policy("orders", resource, "orders:read"))
			client := server.MustRegister(t, authtest.NewClient("checkout", func(r *oauth.Registration) {
				r.Scope = "orders:read"
				r.Managed.Resources = []string{resource}
			}))

			accepts := authenticator(t, server.Issuer, ca, resource)
			token := server.MustToken(t, client)
			response, ok, err := accepts.AuthenticateToken(t.Context(), token)
			if err != nil || !ok {
				t.Fatalf("a fresh token: ok %v, error %v", ok, err)
			}
			if got, want := response.User.GetName(), client.Registration.ClientID; got != want {
				t.Errorf("the user is %q, want the client id %q", got, want)
			}

			tampered := token[:len(token)-6] + "AAAAAA"
			if _, ok, err := accepts.AuthenticateToken(t.Context(), tampered); ok || err == nil {
				t.Errorf("a token with a changed signature: ok %v, error %v", ok, err)
			}
			other := authenticator(t, server.Issuer, ca, "https://elsewhere.example")
			if _, ok, err := other.AuthenticateToken(t.Context(), token); ok || err == nil {
				t.Errorf("a token for another audience: ok %v, error %v", ok, err)
			}
		})
	}
}

// serveTLS runs the server behind a TLS proxy, since the API server takes issuers
// on https only; it returns the proxy's certificate as PEM.
func serveTLS(t *testing.T, algorithm string) (*authtest.Server, caBundle) {
	t.Helper()
	proxy := httptest.NewUnstartedServer(nil)
	var target *url.URL
	proxy.Config.Handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	proxy.StartTLS()
	t.Cleanup(proxy.Close)

	c := authtest.Config{}
	c.Settings.Issuer = proxy.URL
	c.Settings.Algorithm = algorithm
	server := authtest.Start(t, c)
	server.Signing = authtest.SigningKeys(t, server.Clock.Now(), algorithm)
	server.Reload(t)
	var err error
	if target, err = url.Parse(server.URL); err != nil {
		t.Fatal(err)
	}
	return server, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw})
}

// authenticator is the API server's, for one issuer and audience, once it has
// discovered the issuer.
func authenticator(t *testing.T, issuer string, ca caBundle, audience string) oidc.AuthenticatorTokenWithHealthCheck {
	t.Helper()
	a, err := oidc.New(t.Context(), oidc.Options{
		JWTAuthenticator: apiserver.JWTAuthenticator{
			Issuer: apiserver.Issuer{URL: issuer, Audiences: []string{audience}},
			ClaimMappings: apiserver.ClaimMappings{
				Username: apiserver.PrefixedClaimOrExpression{Claim: "sub", Prefix: new("")},
			},
		},
		CAContentProvider:    ca,
		SupportedSigningAlgs: []string{keys.ES256, keys.RS256},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		return a.HealthCheck() == nil, nil
	})
	if err != nil {
		t.Fatalf("the API server's authenticator did not become healthy: %v", a.HealthCheck())
	}
	return a
}

// caBundle is PEM.
type caBundle []byte

func (b caBundle) CurrentCABundleContent() []byte { return b }
