package pki

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// issuers are the shapes of an issuer's host that a certificate must be good for.
var issuers = map[string]string{
	"its own Service":      "https://clientele-default.clientele-system.svc",
	"a public host":        "https://login.example.com/auth",
	"the apex of a domain": "https://Example.com.",
	"an IPv4 address":      "https://192.0.2.7:8443",
	"an IPv6 address":      "https://[2001:db8::7]:8443",
	"localhost":            "https://localhost:8443",
	"a Pod of the Service": "https://pod-0.clientele-default.clientele-system.svc",
}

func firstPlan(t *testing.T, n Names, now time.Time) Plan {
	t.Helper()
	plan, err := Make(Input{Names: n, Now: now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// TLS clients of Go accept the certificate for every name it is wanted for, and no
// others.
func TestHandshakes(t *testing.T) {
	for name, issuer := range issuers {
		t.Run(name, func(t *testing.T) {
			n := names()
			n.Issuer = issuer
			plan := firstPlan(t, n, time.Now())
			server := serveTLS(t, plan)
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM([]byte(plan.Bundle))
			wanted := []string{
				"clientele-default.clientele-system", "clientele-default.clientele-system.svc", "clientele-default.clientele-system.svc.cluster.local",
				"clientele-default-registrar.clientele-system", "clientele-default-registrar.clientele-system.svc", "clientele-default-registrar.clientele-system.svc.cluster.local",
				issuerHost(issuer),
			}
			for _, host := range wanted {
				if err := handshake(server.Listener.Addr(), pool, host); err != nil {
					t.Errorf("%s: %v", host, err)
				}
			}
			for _, host := range []string{"clientele-other.clientele-system.svc", "a.clientele-default.clientele-system.svc", "192.0.2.8", "example.org"} {
				if handshake(server.Listener.Addr(), pool, host) == nil {
					t.Errorf("%s: accepted", host)
				}
			}
		})
	}
}

// serveTLS answers with the certificate of a plan on loopback.
func serveTLS(t *testing.T, plan Plan) *httptest.Server {
	t.Helper()
	pair, err := tls.X509KeyPair(plan.Serving[keyCertificate], plan.Serving[keyPrivate])
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func handshake(addr net.Addr, pool *x509.CertPool, host string) error {
	c, err := tls.Dial(addr.Network(), addr.String(), &tls.Config{RootCAs: pool, ServerName: host})
	if err != nil {
		return err
	}
	return c.Close()
}

// Whoever steals the key of a CA can sign for the server's own names only: Go and
// OpenSSL refuse everything else.
func TestNameConstraints(t *testing.T) {
	for name, issuer := range issuers {
		t.Run(name, func(t *testing.T) {
			n := names()
			n.Issuer = issuer
			a, err := newAuthority(n, start, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			if !a.covers(n.wanted()) {
				t.Errorf("the CA does not permit all of %v", n.wanted())
			}
			host := issuerHost(issuer)
			refused := []string{
				"clientele-other.clientele-system.svc", "evil-clientele-default.clientele-system.svc", "*.clientele-default-registrar.clientele-system.svc",
				"kubernetes.default.svc", "example.org", "192.0.2.8", "2001:db8::8", "127.0.0.1",
			}
			if net.ParseIP(host) == nil {
				refused = append(refused, "a."+host, "*."+host)
			}
			for _, h := range append(refused, host) {
				leaf, err := a.issue("thief", hostsOfThief(h), start, start.Add(day), rand.Reader)
				if err != nil {
					t.Fatal(err)
				}
				pool := x509.NewCertPool()
				pool.AddCert(a.Certificate)
				_, err = leaf.certificate.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: start})
				if (err == nil) != (h == host) {
					t.Errorf("Go, %s: %v", h, err)
				}
				if out, ran := opensslVerify(t, string(a.pem()), leaf.data[keyCertificate], start); ran && strings.Contains(out, ": OK") != (h == host) {
					t.Errorf("OpenSSL, %s: %s", h, out)
				}
			}
		})
	}
}

func hostsOfThief(host string) hosts {
	if h := hostsOf([]string{host}); len(h.ips) > 0 {
		return h
	}
	return hosts{dns: []string{host}}
}

// OpenSSL accepts the certificate by its strictest rules, also while the bundle holds
// two CAs.
func TestOpenSSLVerifies(t *testing.T) {
	for name, issuer := range issuers {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.in.Names.Issuer = issuer
			w.settle()
			w.in.RotateCA = "1"
			for range 2 {
				w.settle()
				kind := "-verify_hostname"
				if net.ParseIP(issuerHost(issuer)) != nil {
					kind = "-verify_ip"
				}
				out, ran := opensslVerify(t, w.in.Bundle, w.in.Serving[keyCertificate], w.now, "-x509_strict", "-purpose", "sslserver", kind, issuerHost(issuer))
				if !ran {
					t.Skip("there is no openssl here")
				}
				if !strings.Contains(out, ": OK") {
					t.Error(out)
				}
				w.now = w.now.Add(DefaultCAOverlap)
			}
			if w.told(EventCARotated) != 1 {
				t.Errorf("events %v, want a rotation", w.events)
			}
		})
	}
}

func opensslVerify(t *testing.T, bundle string, leaf []byte, now time.Time, flags ...string) (string, bool) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		return "", false
	}
	ca := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(ca, []byte(bundle), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), "openssl", append([]string{"verify", "-CAfile", ca, "-attime", strconv.FormatInt(now.Unix(), 10)}, flags...)...)
	c.Stdin = bytes.NewReader(leaf)
	out, _ := c.CombinedOutput()
	return string(out), true
}

// Node.js reads the bundle from NODE_EXTRA_CA_CERTS, or is given it as `ca`.
func TestNodeVerifies(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("there is no node here")
	}
	const program = `
const [port, host] = process.argv.slice(1);
const c = require("tls").connect({host: "127.0.0.1", port: +port, servername: require("net").isIP(host) ? "" : host,
  checkServerIdentity: (_, cert) => require("tls").checkServerIdentity(host, cert)}, () => { console.log("authorized", c.authorized); c.end(); });
c.on("error", e => { console.log(e.message); process.exitCode = 1; });`
	for name, issuer := range issuers {
		t.Run(name, func(t *testing.T) {
			n := names()
			n.Issuer = issuer
			plan := firstPlan(t, n, time.Now())
			server := serveTLS(t, plan)
			ca := filepath.Join(t.TempDir(), "ca.crt")
			if err := os.WriteFile(ca, []byte(plan.Bundle), 0o600); err != nil {
				t.Fatal(err)
			}
			connect := func(host string) string {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				c := exec.CommandContext(ctx, "node", "-e", program, fmt.Sprint(server.Listener.Addr().(*net.TCPAddr).Port), host)
				c.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+ca)
				out, _ := c.CombinedOutput()
				return string(out)
			}
			if out := connect(issuerHost(issuer)); !strings.Contains(out, "authorized true") {
				t.Error(out)
			}
			if out := connect("example.org"); strings.Contains(out, "authorized true") {
				t.Error("example.org: " + out)
			}
		})
	}
}
