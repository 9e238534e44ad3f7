package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/e2e/internal/cluster"
	"clientele.dev/clientele/hack/e2e/internal/load"
)

// server names an AuthorizationServer in systemNamespace.
func server(name string) *v1alpha1.AuthorizationServer {
	return &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: name}}
}

func issuer(server string) string {
	return "https://" + serviceName(server) + "." + systemNamespace + ".svc"
}

// serviceName of what a Managed server's clients connect to.
func serviceName(server string) string { return "clientele-" + server }

// app is an OAuthClient that is Ready, with what its Secret holds.
type app struct {
	namespace, name string
	server          string // the AuthorizationServer it is a client of

	id, secret, issuer, tokenEndpoint string
	ca                                []byte
}

const appScope = "orders:read"

// appManifests are an OAuthClient and the ScopePolicy of the API that it uses, in a
// namespace.
func appManifests(namespace, name, server string) string {
	return fmt.Sprintf(`
apiVersion: oauth.clientele.dev/v1alpha1
kind: ScopePolicy
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  serverRef: {name: %[3]s, namespace: %[4]s}
  resource: https://%[1]s.svc/%[2]s
  scopes: [{name: "%[5]s"}]
  allow: [{namespaces: {from: Same}, scopes: ["%[5]s"]}]
---
apiVersion: oauth.clientele.dev/v1alpha1
kind: OAuthClient
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  serverRef: {name: %[3]s, namespace: %[4]s}
  resources: ["https://%[1]s.svc/%[2]s"]
  scopes: ["%[5]s"]
`, namespace, name, server, systemNamespace, appScope)
}

// newApp applies an app and waits until it is Ready.
func newApp(t testing.TB, namespace, name, server string) app {
	t.Helper()
	the.Apply(t, appManifests(namespace, name, server))
	object := oauthClient(namespace, name)
	cluster.Ready(t, the, object, time.Minute, "an OAuthClient was applied")
	policy := &v1alpha1.ScopePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	cluster.Ready(t, the, policy, time.Minute, "a ScopePolicy was applied")
	return readApp(t, namespace, name, server)
}

func oauthClient(namespace, name string) *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
}

// readApp from its credentials Secret.
func readApp(t testing.TB, namespace, name, server string) app {
	t.Helper()
	var s corev1.Secret
	if err := the.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name + "-oauth"}, &s); err != nil {
		t.Fatalf("the credentials of a client that is Ready: %v", err)
	}
	a := app{
		namespace: namespace, name: name, server: server,
		id: string(s.Data["client_id"]), secret: string(s.Data["client_secret"]),
		issuer: string(s.Data["issuer"]), tokenEndpoint: string(s.Data["token_endpoint"]), ca: s.Data["ca.crt"],
	}
	for key, value := range map[string]string{"client_id": a.id, "client_secret": a.secret, "issuer": a.issuer, "token_endpoint": a.tokenEndpoint, "ca.crt": string(a.ca)} {
		if value == "" {
			t.Errorf("the credentials Secret of %s/%s has no %s", namespace, name, key)
		}
	}
	return a
}

// address of the server's Service, which this process has to be on the node to reach.
func address(t testing.TB, service string) string {
	t.Helper()
	var s corev1.Service
	if err := the.Get(t.Context(), client.ObjectKey{Namespace: systemNamespace, Name: service}, &s); err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort(s.Spec.ClusterIP, "443")
}

// load asks for tokens as the app, perSecond, until it is stopped.
func (a app) load(t testing.TB, perSecond int) *load.Run {
	t.Helper()
	r, err := load.Start(load.Target{
		TokenEndpoint: a.tokenEndpoint, Address: address(t, serviceName(a.server)), CA: a.ca,
		ClientID: a.id, ClientSecret: a.secret, Scope: appScope,
	}, perSecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop() }) // of a scenario that failed in between
	return r
}

// client speaks HTTP to the app's server, trusting only what the Secret's ca.crt says.
func (a app) client(t testing.TB) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(a.ca) {
		t.Fatalf("ca.crt of %s/%s holds no certificate", a.namespace, a.name)
	}
	to := address(t, serviceName(a.server))
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, to)
		},
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DisableKeepAlives: true, // each request sees the certificate and the Pods of its moment
	}}
}

// token asks the app's server for one, from the node.
func (a app) token(ctx context.Context, c *http.Client) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {appScope}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.tokenEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(a.id), url.QueryEscape(a.secret))
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || resp.StatusCode != http.StatusOK || answer.AccessToken == "" {
		return "", fmt.Errorf("the token endpoint answered with %s: %s", resp.Status, body)
	}
	return answer.AccessToken, nil
}

// verified checks a token as an API does: with the keys that the issuer publishes.
func (a app) verified(ctx context.Context, c *http.Client, token string) error {
	ctx = oidc.ClientContext(ctx, c)
	keys := oidc.NewRemoteKeySet(ctx, a.issuer+"/.well-known/jwks.json")
	config := &oidc.Config{ClientID: "https://" + a.namespace + ".svc/" + a.name, SupportedSigningAlgs: []string{oidc.ES256, oidc.RS256}}
	verified, err := oidc.NewVerifier(a.issuer, keys, config).Verify(ctx, token)
	if err != nil {
		return err
	}
	if verified.Subject != a.id {
		return fmt.Errorf("the token's subject is %q, want the client id %q", verified.Subject, a.id)
	}
	return nil
}

// mustWork: the app gets a token, and the keys that are published verify it.
func (a app) mustWork(t testing.TB, why string) {
	t.Helper()
	c := a.client(t)
	token, err := a.token(t.Context(), c)
	if err == nil {
		err = a.verified(t.Context(), c, token)
	}
	if err != nil {
		t.Fatalf("%s: %v", why, err)
	}
}

// sameAs: the credentials are what they were.
func (a app) sameAs(t testing.TB, before app, why string) {
	t.Helper()
	if a.id != before.id {
		t.Errorf("%s: the client id of %s/%s is %q, and was %q", why, a.namespace, a.name, a.id, before.id)
	}
	if a.secret != before.secret {
		t.Errorf("%s: the client secret of %s/%s is another one", why, a.namespace, a.name)
	}
}

// none: no request of a load failed.
func none(t testing.TB, r load.Result, why string) {
	t.Helper()
	t.Logf("%s: %s", why, r)
	if len(r.Failures) > 0 {
		t.Errorf("%s: %d of %d requests failed: %v", why, len(r.Failures), r.Sent, r.Kinds())
	}
}

// warm waits until a load has got its first tokens, so that a later failure is not
// one of its begin.
func warm(t testing.TB, r *load.Run) {
	t.Helper()
	cluster.Eventually(t, 20*time.Second, "a load was started", func(context.Context) error {
		if r.Got() < 100 {
			return errors.New("it has not got its first 100 tokens")
		}
		return nil
	})
}
