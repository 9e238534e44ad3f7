package authserver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// balancer spreads TCP connections over servers in turn. It looks at a server's /readyz
// before it connects to it, and acts on a no only after some more connections, as a
// cluster's Services do.
type balancer struct {
	net.Listener
	backends []*backend
	probe    *http.Client

	mu   sync.Mutex
	next int
	// left is closed when a server that said no has no connection any more.
	left chan struct{}
}

type backend struct {
	server *authtest.Server
	// late counts the connections since it said no; open those that there are now.
	late, open int
}

// noticed is how many connections a server gets after it said that it is not ready.
const noticed = 20

func balance(t *testing.T, c *tls.Config, servers ...*authtest.Server) *balancer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{Listener: l, probe: &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: c.Clone()}}, left: make(chan struct{})}
	for _, s := range servers {
		b.backends = append(b.backends, &backend{server: s})
	}
	var running sync.WaitGroup
	running.Go(func() {
		for conn, err := b.Accept(); err == nil; conn, err = b.Accept() {
			running.Go(func() { b.carry(conn) })
		}
	})
	t.Cleanup(func() {
		_ = b.Close()
		running.Wait()
	})
	return b
}

// pick the server of a new connection.
func (b *balancer) pick() *backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.backends {
		to := b.backends[b.next%len(b.backends)]
		b.next++
		if to.late <= noticed && !b.ready(to.server) {
			to.late++
		}
		if to.late <= noticed {
			to.open++
			return to
		}
	}
	return nil // which fails a client
}

func (b *balancer) ready(s *authtest.Server) bool {
	res, err := b.probe.Get(s.URL + "/readyz")
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (b *balancer) carry(from net.Conn) {
	defer from.Close() //nolint:errcheck // both ends are closed already
	to := b.pick()
	if to == nil {
		return
	}
	defer b.done(to)
	server, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimPrefix(to.server.URL, "https://"), "http://"))
	if err != nil {
		return // which the client notices
	}
	defer server.Close() //nolint:errcheck // as above
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(server, from); _ = server.(*net.TCPConn).CloseWrite() })
	both.Go(func() { _, _ = io.Copy(from, server); _ = from.(*net.TCPConn).CloseWrite() })
	both.Wait()
}

func (b *balancer) done(with *backend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	with.open--
	if with.late > noticed && with.open == 0 {
		select {
		case <-b.left:
		default:
			close(b.left)
		}
	}
}

// load are clients that ask for tokens all the time.
type load struct {
	served atomic.Int64
	stop   context.CancelFunc
	errs   chan error // one of each client
}

// put starts clients that keep their connections, and some that make one per request.
func put(t *testing.T, at string, c *tls.Config, client authtest.Client) *load {
	t.Helper()
	const keep, fresh = 6, 3
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop, errs: make(chan error, keep+fresh)}
	for i := range keep + fresh {
		transport := &http.Transport{DisableKeepAlives: i >= keep, TLSClientConfig: c.Clone(), ForceAttemptHTTP2: c != nil}
		go func() {
			defer transport.CloseIdleConnections()
			for ctx.Err() == nil {
				if err := ask(&http.Client{Transport: transport}, at, client, c != nil); err != nil {
					l.errs <- fmt.Errorf("client %d: %w", i, err)
					return
				}
				l.served.Add(1)
			}
			l.errs <- nil
		}()
	}
	return l
}

func ask(by *http.Client, at string, c authtest.Client, http2 bool) error {
	r, err := http.NewRequest(http.MethodPost, at+"/oauth/token", strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", formType)
	r.SetBasicAuth(c.Registration.ClientID, c.Secret.Reveal())
	res, err := by.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it has been read
	body, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return err
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%d %s", res.StatusCode, body)
	case http2 != (res.ProtoMajor == 2):
		return fmt.Errorf("answered over %s", res.Proto)
	}
	return nil
}

// goesOn waits until so many more requests were answered, whichever client sent them.
func (l *load) goesOn(t *testing.T, more int64) {
	t.Helper()
	until := l.served.Load() + more
	soon(t, "the load goes on", func() bool {
		select {
		case err := <-l.errs:
			t.Fatalf("a request failed: %v", err)
		default:
		}
		return l.served.Load() >= until
	})
}

func (l *load) end(t *testing.T) {
	t.Helper()
	l.stop()
	for range cap(l.errs) {
		if err := <-l.errs; err != nil {
			t.Errorf("a request failed: %v", err)
		}
	}
}

// TestO18AServerThatStopsFailsNoRequest: one of two servers stops under load, behind a
// balancer that notices late.
func TestO18AServerThatStopsFailsNoRequest(t *testing.T) {
	certificate, clientTLS := selfSigned(t)
	for name, c := range map[string]struct {
		certificate *tls.Certificate
		client      *tls.Config
	}{"HTTP/1.1": {}, "HTTP/2": {certificate, clientTLS}} {
		t.Run(name, func(t *testing.T) {
			over := make(chan time.Time)
			delays := make(chan time.Duration, 1)
			on := authtest.Config{MachinesOnly: true, ShutdownDelay: 8 * time.Second, Certificate: c.certificate, After: func(d time.Duration) <-chan time.Time {
				delays <- d
				return over
			}}
			stopping, other := authtest.Start(t, on), authtest.Start(t, authtest.Config{MachinesOnly: true, Certificate: c.certificate})
			client := authtest.NewClient("app")
			stopping.MustRegister(t, client)
			other.MustRegister(t, client)
			b := balance(t, c.client, stopping, other)
			scheme := "http://"
			if c.client != nil {
				scheme = "https://"
			}
			l := put(t, scheme+b.Addr().String(), c.client, client)
			l.goesOn(t, 200)

			stopped := make(chan error, 1)
			go func() { stopped <- stopping.Stop() }()
			select {
			case d := <-delays:
				if d != 8*time.Second {
					t.Errorf("it serves for another %v", d)
				}
			case err := <-stopped:
				t.Fatalf("it stopped at once: %v", err)
			}
			// The balancer noticed, and every client that kept a connection has another one.
			select {
			case <-b.left:
			case err := <-l.errs:
				t.Fatalf("a request failed: %v", err)
			case <-time.After(20 * time.Second):
				b.mu.Lock()
				t.Errorf("clients keep their connections to the server that stops: %+v", b.backends[0])
				b.mu.Unlock()
				close(over)
				_ = b.Close()
				l.end(t)
				return
			}
			select {
			case err := <-stopped:
				t.Fatalf("it did not serve for the delay: %v", err)
			default:
			}
			close(over)
			if err := <-stopped; err != nil {
				t.Errorf("stopped with %v", err)
			}
			l.goesOn(t, 200)
			l.end(t)
		})
	}
}

func selfSigned(t *testing.T) (*tls.Certificate, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, &tls.Config{RootCAs: pool}
}

// TestO18AServerThatStopsSaysSo in its readiness and in every answer, until the delay is
// over; then it lets requests that run end, and takes no more.
func TestO18AServerThatStopsSaysSo(t *testing.T) {
	over, begun := make(chan time.Time), make(chan struct{})
	s := authtest.Start(t, authtest.Config{ShutdownDelay: time.Hour, After: func(time.Duration) <-chan time.Time {
		close(begun)
		return over
	}})
	c := s.MustRegister(t, authtest.NewClient("app"))
	if a := s.Do(t, http.MethodGet, "/readyz", ""); a.Status != http.StatusOK || a.Header.Get("Connection") != "" {
		t.Errorf("before: %d %v", a.Status, a.Header)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	<-begun
	if a := s.Do(t, http.MethodGet, "/readyz", ""); a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Body, "stopping") {
		t.Errorf("readyz: %d %s", a.Status, a.Body)
	}
	if a := s.Do(t, http.MethodGet, "/healthz", ""); a.Status != http.StatusOK {
		t.Errorf("healthz: %d", a.Status)
	}
	s.MustToken(t, c)
	for path, want := range map[string]int{"/.well-known/jwks.json": http.StatusOK, "/nothing": http.StatusNotFound, "/oauth/token": http.StatusMethodNotAllowed} {
		// net/http's client takes the header out and says so by Close.
		res, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want || !res.Close {
			t.Errorf("%s: %d, and the connection stays %v", path, res.StatusCode, !res.Close)
		}
	}
	close(over)
	if err := <-stopped; err != nil {
		t.Errorf("stopped with %v", err)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://")); err == nil {
		t.Error("it takes connections after the delay")
	}
}

// TestO18ALongPollOfAServerThatStopsEnds with nothing new, so that a roll-out is no outage
// to the registrar; and so does one that comes while the server still serves.
func TestO18ALongPollOfAServerThatStopsEnds(t *testing.T) {
	over, begun := make(chan time.Time), make(chan struct{})
	s := authtest.Start(t, authtest.Config{RegistrarPort: true, ShutdownDelay: time.Hour, After: func(time.Duration) <-chan time.Time {
		close(begun)
		return over
	}})
	var inventory oauth.Inventory
	bearer := []string{"Authorization", "Bearer " + authtest.RegistrarToken}
	decodeJSON(t, s.Do(t, http.MethodGet, "/registrar/v1/inventory", "", bearer...), &inventory)
	poll := fmt.Sprintf("/registrar/v1/changes?store_id=%s&since=%d&wait=55", inventory.StoreID, inventory.Revision)
	waits, polled := make(chan struct{}), make(chan error, 1)
	s.Registrars.OnAuthorize(sync.OnceFunc(func() { close(waits) }))
	check := func() error {
		r, err := http.NewRequest(http.MethodGet, s.RegistrarURL+poll, nil)
		if err != nil {
			return err
		}
		r.Header.Set(bearer[0], bearer[1])
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer res.Body.Close() //nolint:errcheck // it has been read
		var got oauth.Inventory
		if err := json.NewDecoder(res.Body).Decode(&got); err != nil || res.StatusCode != http.StatusOK || got.StoreID != inventory.StoreID || got.Reset || len(got.Clients) > 0 {
			return errors.Join(err, fmt.Errorf("%d %+v", res.StatusCode, got))
		}
		return nil
	}
	go func() { polled <- check() }()
	<-waits
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	<-begun
	for what, err := range map[string]error{"one that waited": <-polled, "one that comes now": check()} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	close(over)
	if err := <-stopped; err != nil {
		t.Errorf("stopped with %v", err)
	}
}
