package registrar

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"github.com/go-logr/logr"
)

const secretToken = "the-registrars-own-token"

type tokens struct {
	count atomic.Int64
	err   error
	life  time.Duration
	now   func() time.Time
}

func (k *tokens) Token(_ context.Context, audience string) (string, time.Time, error) {
	k.count.Add(1)
	if audience != v1alpha1.RegistrarAudience("uid") {
		return "", time.Time{}, errors.New("wrong audience " + audience)
	}
	return secretToken, k.now().Add(k.life), k.err
}

// fake is a server whose answer to registrations a test says.
type fake struct {
	*httptest.Server
	answer http.HandlerFunc
	seen   []string
}

func newFake(t *testing.T, tls bool) *fake {
	f := &fake{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, r *http.Request) {
		f.seen = append(f.seen, r.Header.Get("Authorization"))
		_ = json.NewEncoder(w).Encode(oauth.ServerMetadata{
			Issuer: f.URL, TokenEndpoint: f.URL + "/oauth/token", JWKSURI: f.URL + "/jwks", RegistrationEndpoint: f.URL + "/oauth/register",
		})
	})
	mux.HandleFunc("POST /oauth/register", func(w http.ResponseWriter, r *http.Request) {
		f.seen = append(f.seen, r.Header.Get("Authorization"))
		f.answer(w, r)
	})
	if tls {
		f.Server = httptest.NewTLSServer(mux)
	} else {
		f.Server = httptest.NewServer(mux)
	}
	f.Config.ErrorLog = nil
	t.Cleanup(f.Close)
	return f
}

func (f *fake) object(change ...func(*v1alpha1.AuthorizationServer)) *v1alpha1.AuthorizationServer {
	as := &v1alpha1.AuthorizationServer{}
	as.Namespace, as.Name, as.UID = "system", "default", "uid"
	as.Spec.Issuer = f.URL
	for _, c := range change {
		c(as)
	}
	return as
}

func newServers(c *clock) (*Servers, *tokens) {
	k := &tokens{life: time.Hour, now: c.Now}
	return NewServers(Options{Tokens: k, Now: c.Now, Log: logr.Discard(), Timeout: time.Minute}), k
}

func someClient() oauth.Registration {
	return oauth.Registration{ClientID: "ns.app", Managed: &oauth.Managed{Owner: oauth.Owner{Namespace: "ns", Name: "app", UID: "u"}}}
}

func TestErrorsAreToldApart(t *testing.T) {
	reply := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "12")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		reason string
	}{
		{"400", reply(400, `{"error":"invalid_client_metadata"}`), v1alpha1.ReasonRejected},
		{"401", reply(401, ""), v1alpha1.ReasonRegistrarUnauthorized},
		{"403", reply(403, ""), v1alpha1.ReasonRegistrarForbidden},
		{"404", reply(404, ""), v1alpha1.ReasonRegistrationNotFound},
		{"409", reply(409, `{"error":"client_id_taken"}`), v1alpha1.ReasonClientIDTaken},
		{"429", reply(429, ""), v1alpha1.ReasonServerThrottled},
		{"502", reply(502, "<html>"), v1alpha1.ReasonServerError},
		{"garbage", reply(200, "<html>"), v1alpha1.ReasonServerError},
		{"another client", reply(200, `{"client_id":"x","clientele_digest":"d","clientele_store_id":"s"}`), v1alpha1.ReasonServerError},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, v1alpha1.ReasonServerError},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			chunk := []byte(strings.Repeat(" ", 1<<20))
			for range 20 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, v1alpha1.ReasonServerError},
		{"slow", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.ReadAll(r.Body); <-r.Context().Done() }, v1alpha1.ReasonServerUnreachable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFake(t, false)
			f.answer = tc.answer
			servers, _ := newServers(&clock{now: time.Now()})
			if tc.name == "slow" {
				servers.options.Timeout = 200 * time.Millisecond
			}
			_, err := servers.For(f.object()).Register(t.Context(), someClient())
			x := Explain(err)
			if err == nil || x.Reason != tc.reason {
				t.Fatalf("%v is explained as %+v, want %s", err, x, tc.reason)
			}
			if strings.Contains(x.Message, secretToken) {
				t.Error("the message holds the token")
			}
			var status *StatusError
			if errors.As(err, &status) && status.Status < 500 && status.Status != 302 && status.RetryAfter != 12*time.Second {
				t.Errorf("RetryAfter = %v", status.RetryAfter)
			}
		})
	}
}

func TestTokenIsCachedAndNotSentWhereItShouldNotGo(t *testing.T) {
	f := newFake(t, false)
	f.answer = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"client_id":"ns.app","clientele_digest":"d","clientele_store_id":"s"}`)
	}
	c := &clock{now: time.Now()}
	servers, k := newServers(c)
	server := servers.For(f.object())
	for range 3 {
		if _, err := server.Register(t.Context(), someClient()); err != nil {
			t.Fatal(err)
		}
	}
	if f.seen[0] != "" {
		t.Error("the token was sent to read metadata")
	}
	if f.seen[1] != "Bearer "+secretToken || k.count.Load() != 1 {
		t.Errorf("seen %d tokens made, header %q", k.count.Load(), f.seen[1])
	}
	c.now = c.now.Add(50 * time.Minute) // more than four fifths
	_, _ = server.Register(t.Context(), someClient())
	if k.count.Load() != 2 {
		t.Error("an old token was used")
	}
	f.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	_, _ = server.Register(t.Context(), someClient())
	_, _ = server.Register(t.Context(), someClient())
	if k.count.Load() != 3 {
		t.Error("a refused token was used again")
	}

	// No TLS and not loopback: nothing is sent at all.
	insecure := servers.For(f.object(func(as *v1alpha1.AuthorizationServer) {
		as.Name = "insecure"
		as.Spec.Unmanaged = &v1alpha1.UnmanagedServer{URL: "http://auth.example:8080"}
	}))
	if _, err := insecure.Register(t.Context(), someClient()); !errors.Is(err, ErrInsecure) {
		t.Errorf("%v, want ErrInsecure", err)
	}
}

func TestTLSFailureAndCABundle(t *testing.T) {
	f := newFake(t, true)
	f.answer = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"client_id":"ns.app","clientele_digest":"d","clientele_store_id":"s"}`)
	}
	servers, _ := newServers(&clock{now: time.Now()})
	given := &fakeBundles{}
	servers.options.Bundles = given
	_, err := servers.For(f.object()).Register(t.Context(), someClient())
	if Explain(err).Reason != v1alpha1.ReasonServerUnreachable || len(f.seen) != 0 {
		t.Fatalf("an unknown certificate: %v, %q", err, f.seen)
	}
	as := f.object(func(as *v1alpha1.AuthorizationServer) {
		as.Spec.Unmanaged = &v1alpha1.UnmanagedServer{CABundleRef: &v1alpha1.CABundleReference{Kind: v1alpha1.CABundleConfigMap, Name: "ca"}}
	})
	server := servers.For(as)
	try := func() string {
		if _, err := server.Register(t.Context(), someClient()); err != nil {
			return Explain(err).Reason
		}
		return ""
	}
	// K9: what changes is used at once, by the same Server.
	for _, step := range []struct {
		pem  string
		err  error
		want string
	}{
		{pem: pemOf(f.Certificate())},
		{err: ErrCABundle, want: v1alpha1.ReasonCABundleInvalid},
		{pem: "garbage", want: v1alpha1.ReasonCABundleInvalid},
		{pem: otherCA(t), want: v1alpha1.ReasonServerUnreachable},
		{pem: otherCA(t) + pemOf(f.Certificate())},
	} {
		given.set([]byte(step.pem), step.err)
		if got := try(); got != step.want {
			t.Errorf("%q, %v: reason %q, want %q", step.pem[:min(20, len(step.pem))], step.err, got, step.want)
		}
	}
	if servers.For(as) != server {
		t.Error("another bundle made another Server")
	}
	late := given.set
	as.Spec.Unmanaged.CABundleRef.Name = "another"
	if servers.For(as) != server {
		t.Error("another reference to a bundle made another Server")
	}
	given.set([]byte(pemOf(f.Certificate())), nil)
	late([]byte(otherCA(t)), nil)
	if got := try(); got != "" {
		t.Errorf("reason %q: the bundle of before is used", got)
	}
	servers.Forget(server.Key())
	if given.ctx.Err() == nil {
		t.Error("the bundle of a server that is gone is still followed")
	}
}

func TestMetadataOfAnotherIssuerIsRefused(t *testing.T) {
	f := newFake(t, false)
	servers, k := newServers(&clock{now: time.Now()})
	as := f.object(func(as *v1alpha1.AuthorizationServer) {
		as.Spec.Issuer = "https://issuer.example"
		as.Spec.Unmanaged = &v1alpha1.UnmanagedServer{URL: f.URL}
	})
	_, err := servers.For(as).Endpoints(t.Context())
	if !errors.Is(err, ErrIssuer) || Explain(err).Reason != v1alpha1.ReasonIssuerMismatch || k.count.Load() != 0 {
		t.Errorf("%v", err)
	}
}

func TestMetadataURLPutsTheWellKnownPartFirst(t *testing.T) {
	for base, want := range map[string]string{
		"https://a.example":        "https://a.example/.well-known/oauth-authorization-server",
		"https://a.example/team/x": "https://a.example/.well-known/oauth-authorization-server/team/x",
	} {
		s := &Server{}
		s.route.Store(&route{base: base})
		if got := s.metadataURL(); got != want {
			t.Errorf("%s: %s, want %s", base, got, want)
		}
	}
}

func TestServerIsMadeAnewWhereItsTargetChanged(t *testing.T) {
	f := newFake(t, false)
	servers, _ := newServers(&clock{now: time.Now()})
	first := servers.For(f.object())
	if servers.For(f.object()) != first {
		t.Error("the same object made another Server")
	}
	if servers.For(f.object(func(as *v1alpha1.AuthorizationServer) { as.UID = "another" })) == first {
		t.Error("another uid has the same token")
	}
	servers.Forget(first.Key())
	if _, ok := servers.Lookup(first.Key()); ok {
		t.Error("it was not forgotten")
	}
}

// A Managed server becomes Unmanaged, or moves: the same Server goes on, with what it
// knows and holds back, and reads the metadata there before anything else.
func TestServerGoesOnWhereItIsReachedElsewhere(t *testing.T) {
	one, two := newFake(t, false), newFake(t, false)
	for _, f := range []*fake{one, two} {
		f.answer = func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"client_id":"ns.app","clientele_digest":"d","clientele_store_id":"s"}`)
		}
	}
	servers, _ := newServers(&clock{now: time.Now()})
	first := servers.For(one.object())
	if _, err := first.Register(t.Context(), someClient()); err != nil {
		t.Fatal(err)
	}
	moved := one.object(func(as *v1alpha1.AuthorizationServer) { as.Spec.Unmanaged = &v1alpha1.UnmanagedServer{URL: two.URL} })
	if servers.For(moved) != first {
		t.Fatal("another URL made another Server")
	}
	before := len(one.seen)
	if _, err := first.Register(t.Context(), someClient()); !errors.Is(err, ErrIssuer) || len(one.seen) != before {
		t.Errorf("%v, want that another issuer's metadata is refused there", err)
	}
	for _, token := range two.seen {
		if token != "" {
			t.Error("the token was sent to a server of another issuer")
		}
	}
	if servers.For(one.object()) != first {
		t.Fatal("the way back made another Server")
	}
	if _, err := first.Register(t.Context(), someClient()); err != nil {
		t.Error(err)
	}
}

func TestRouteOfAManagedServer(t *testing.T) {
	as := &v1alpha1.AuthorizationServer{}
	as.Namespace, as.Name, as.Spec.Type, as.Spec.Issuer = "system", "default", v1alpha1.AuthorizationServerManaged, "https://login.example.com/x"
	want := route{
		base: "https://clientele-default-registrar.system.svc:8444",
		ca:   v1alpha1.CABundleReference{Kind: v1alpha1.CABundleConfigMap, Name: "clientele-default-ca", Key: "ca.crt"},
	}
	if got := routeOf(as); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// K5: the bundle is handed on to apps only where they see the same certificate.
func TestK5BundleOfApps(t *testing.T) {
	other := otherCA(t)
	for name, c := range map[string]struct {
		issuer, url, pem string
		want             bool
	}{
		"the issuer's own host":     {"https://login.example.com", "", other, true},
		"its host, another port":    {"https://login.example.com/x", "https://login.example.com:8444", other, true},
		"behind a gateway":          {"https://login.example.com", "https://clientele-default.system.svc:8443", other, false},
		"a Service, registrar port": {"https://clientele-default.system.svc", "https://clientele-default-registrar.system.svc:8444", other, true},
		"a Service, with domain":    {"https://a.system.svc.cluster.local", "https://b.system.svc", other, true},
		"the system's roots":        {"https://login.example.com", "", "", false},
		"all public roots":          {"https://login.example.com", "", strings.Repeat(other, 200), false},
	} {
		t.Run(name, func(t *testing.T) {
			given := &fakeBundles{}
			servers := NewServers(Options{Bundles: given, Now: time.Now, Log: logr.Discard()})
			as := &v1alpha1.AuthorizationServer{}
			as.Spec.Issuer, as.Spec.Unmanaged = c.issuer, &v1alpha1.UnmanagedServer{URL: c.url}
			if c.pem != "" {
				as.Spec.Unmanaged.CABundleRef = &v1alpha1.CABundleReference{Name: "ca"}
			}
			news := 0
			servers.Subscribe(Subscriber{Server: func(Key) { news++ }})
			server := servers.For(as)
			if c.pem != "" {
				given.set(nil, ErrCABundle)
				given.set([]byte(c.pem), nil)
				given.set([]byte(c.pem), nil)
				if news != 1 {
					t.Errorf("subscribers heard %d times of one bundle", news)
				}
			}
			if got := server.State().CABundle; (got != "") != c.want || c.want && got != c.pem {
				t.Errorf("bundle of %d bytes, want one: %t", len(got), c.want)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Now()
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-3": 0, "5": 5 * time.Second, "999999999": time.Hour,
		now.Add(30 * time.Second).UTC().Format(http.TimeFormat): 30 * time.Second,
	} {
		if got := retryAfter(value, now); got > want || got < want-time.Second {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// fakeBundles gives the one that follows it what a test sets.
type fakeBundles struct {
	ctx context.Context
	set func([]byte, error)
}

func (b *fakeBundles) Follow(ctx context.Context, _ string, _ v1alpha1.CABundleReference, set func([]byte, error)) {
	b.ctx, b.set = ctx, set
}

// otherCA is a certificate that signed nothing here.
func otherCA(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
