package outbound

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// planted is a server that must not be spoken to.
type planted struct {
	*httptest.Server
	connections atomic.Int64
	port        string
}

func plant(t *testing.T) *planted {
	t.Helper()
	p := &planted{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "the secret of this place")
	}))
	p.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			p.connections.Add(1)
		}
	}
	p.Start()
	t.Cleanup(p.Close)
	_, p.port, _ = net.SplitHostPort(p.Listener.Addr().String())
	return p
}

// serve answers on a loopback address.
func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// local permits loopback, where the servers of these tests are.
func local(t *testing.T, o Options) *http.Client {
	t.Helper()
	o.Policy.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	return closing(t, New(o))
}

func closing(t *testing.T, c *http.Client) *http.Client {
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// names is a name server that leads every name to the next of its answers, and
// from then on to the last.
func names(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := socket.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(answers[0]).As4()},
				}}
				answers = answers[min(1, len(answers)-1):]
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = socket.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", socket.LocalAddr().String())
	}}
}

func get(t *testing.T, c *http.Client, address string) (string, error) {
	t.Helper()
	response, err := c.Get(address)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

func wantRefused(t *testing.T, err error, why string) {
	t.Helper()
	if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), why) {
		t.Errorf("got %v, want a refusal that says %q", err, why)
	}
}

func TestPermittedIsFetched(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		_, _ = io.WriteString(w, r.UserAgent()+r.Header.Get("Cookie"))
	})
	c := local(t, Options{UserAgent: "clientele/1"})
	for range 2 { // no cookie comes back
		if body, err := get(t, c, s.URL); err != nil || body != "clientele/1" {
			t.Errorf("got %q, %v", body, err)
		}
	}
}

// A8: however an address of this machine is written, it is not spoken to.
func TestA8SpellingsOfAddresses(t *testing.T) {
	p := plant(t)
	// A name server that reads numbers as inet_aton does, as some resolvers do.
	c := closing(t, newClient(Options{}, &net.Dialer{Resolver: names(t, "127.0.0.1")}))
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1.", "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "127.0.0.01",
		"0.0.0.0", "0", "localhost", "localhost.", "LOCALHOST", "127.0.0.1.nip.example", "①②⑦.⓪.⓪.①",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
		"[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1%25lo]",
	} {
		for _, scheme := range []string{"http", "https"} {
			address := scheme + "://" + host + ":" + p.port + "/"
			if _, err := get(t, c, address); err == nil {
				t.Errorf("%s was fetched", address)
			} else if u, wrong := url.Parse(address); wrong == nil && u.Host != "" && !errors.Is(err, ErrRefused) && !strings.Contains(err.Error(), "no such host") {
				t.Errorf("%s: %v", address, err)
			}
		}
	}
	if n := p.connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// A8: a name that led to the internet when somebody looked, and leads into the
// cluster when it is fetched.
func TestA8DNSRebinding(t *testing.T) {
	p := plant(t)
	resolver := names(t, "93.184.215.14", "127.0.0.1", "169.254.169.254")
	seen, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.example")
	if err != nil || (Policy{}).Check(seen[0]) != nil {
		t.Fatalf("the first look-up: %v, %v", seen, err)
	}
	c := closing(t, newClient(Options{}, &net.Dialer{Resolver: resolver}))
	_, err = get(t, c, "https://rebind.example:"+p.port+"/logo.png")
	wantRefused(t, err, "loopback")
	_, err = get(t, c, "https://rebind.example/logo.png")
	wantRefused(t, err, "metadata")
	if n := p.connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestA8Redirects(t *testing.T) {
	p := plant(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, p.URL, status) })
		body, err := get(t, local(t, Options{}), s.URL)
		if wantRefused(t, err, "redirect"); body != "" {
			t.Errorf("%d: got %q", status, body)
		}
	}
	if n := p.connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestA8LargeBodies(t *testing.T) {
	for name, c := range map[string]struct {
		size     int
		announce bool
		ok       bool
	}{
		"as large as may be":   {1000, true, true},
		"the same, in chunks":  {1000, false, true},
		"too large":            {1001, true, false},
		"too large, in chunks": {1001, false, false},
		"far too large":        {1 << 20, false, false},
		"empty":                {0, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if c.announce {
					w.Header().Set("Content-Length", strconv.Itoa(c.size))
				} else {
					w.(http.Flusher).Flush()
				}
				_, _ = w.Write(make([]byte, c.size))
			})
			body, err := get(t, local(t, Options{MaxBytes: 1000}), s.URL)
			if c.ok && (err != nil || len(body) != c.size) {
				t.Errorf("got %d bytes, %v", len(body), err)
			}
			if !c.ok {
				wantRefused(t, err, "more than 1000 bytes")
			}
			if len(body) > 1000 {
				t.Errorf("%d bytes were handed on", len(body))
			}
		})
	}
}

// A8: answers that never end, in drops, hold nobody up for longer than allowed.
func TestA8SlowAnswers(t *testing.T) {
	trickle := func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte{' '})
			w.(http.Flusher).Flush()
			<-tick.C
		}
	}
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, h := range map[string]http.HandlerFunc{"body": trickle, "no answer": silent} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, h)
			began := time.Now()
			_, err := get(t, local(t, Options{Timeout: 150 * time.Millisecond}), s.URL)
			var timeout interface{ Timeout() bool }
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("got %v, want a timeout", err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestA8LargeHeaders(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", maxHeaderBytes)) })
	if _, err := get(t, local(t, Options{}), s.URL); err == nil {
		t.Error("accepted")
	}
}

func TestA8PlainHTTPAndCredentials(t *testing.T) {
	p := plant(t)
	// Even where the addresses behind a name are permitted.
	c := closing(t, newClient(Options{Policy: Policy{Private: true}}, &net.Dialer{Resolver: names(t, "127.0.0.1")}))
	for address, why := range map[string]string{
		"http://app.example:" + p.port:     "not https",
		"ftp://127.0.0.1:" + p.port:        "not https",
		"http://u:pw@127.0.0.1:" + p.port:  "user name or password",
		"https://u:pw@127.0.0.1:" + p.port: "user name or password",
	} {
		_, err := get(t, c, address)
		wantRefused(t, err, why)
		if strings.Contains(err.Error(), "pw") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
	if n := p.connections.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

// A8: a proxy would look names up for itself, and be asked past every rule.
// net/http reads the environment once per process, so that a test cannot set it.
func TestA8NoProxyFromTheEnvironment(t *testing.T) {
	if New(Options{}).Transport.(*guarded).next.Proxy != nil {
		t.Error("a proxy may be used")
	}
}
