package interop

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Names that the gateway answers to.
const (
	loginHost    = "login.example"    // the server
	appHost      = "app.example"      // a web app
	nextHost     = "next.example"     // where an app sends people on to
	spaHost      = "spa.example"      // a browser-only app
	strangerHost = "stranger.example" // a page that nobody registered
	mcpHost      = "mcp.example"      // an MCP server
)

// gateway is what stands before servers in real life: it ends TLS, and hands each
// request to whom its name belongs. All names lead to one loopback port.
type gateway struct {
	*httptest.Server
	mu    sync.Mutex
	hosts map[string]http.Handler
	spki  string // of its certificate, as Chromium takes it
	roots *x509.CertPool
}

func newGateway(t testing.TB) *gateway {
	t.Helper()
	g := &gateway{hosts: map[string]http.Handler{}, roots: x509.NewCertPool()}
	certificate := newCertificate(t)
	g.roots.AddCert(certificate.Leaf)
	sum := sha256.Sum256(certificate.Leaf.RawSubjectPublicKeyInfo)
	g.spki = base64.StdEncoding.EncodeToString(sum[:])
	g.Server = httptest.NewUnstartedServer(g)
	g.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	// Browsers open connections that they then do not use.
	g.Config.ErrorLog = log.New(discard{}, "", 0)
	g.StartTLS()
	return g
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func newCertificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{loginHost, appHost, nextHost, spaHost, strangerHost, mcpHost},
		IsCA:     true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	leaf, err := x509.ParseCertificate(der)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// ServeHTTP implements http.Handler.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	h := g.hosts[r.Host]
	g.mu.Unlock()
	if h == nil {
		http.Error(w, "no such host", http.StatusMisdirectedRequest)
		return
	}
	h.ServeHTTP(w, r)
}

// serve gives a name to a handler until the test ends.
func (g *gateway) serve(t testing.TB, host string, h http.Handler) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hosts[host] = h
	t.Cleanup(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.hosts, host)
	})
}

// forward hands requests on to a server, as a reverse proxy does.
func forward(t testing.TB, to string) http.Handler {
	t.Helper()
	target, err := url.Parse(to)
	must(t, err)
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}}
}

// client is an HTTP client of programs, to which the same names lead here.
func (g *gateway) client() *http.Client {
	var dialer net.Dialer
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: g.roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, g.Listener.Addr().String())
		},
	}}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
