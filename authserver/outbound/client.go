package outbound

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"
)

// Options of a client.
type Options struct {
	Policy Policy
	// Allow permits more prefixes; it is asked before each connection. Nil: none.
	Allow *Allowlist
	// UserAgent of the requests. Empty: clientele.
	UserAgent string
	// Timeout of a whole exchange, from the look-up of the name to the last byte
	// of the body. Zero: 10 s.
	Timeout time.Duration
	// MaxBytes of a body. Zero: 1 MiB.
	MaxBytes int64
}

const (
	defaultUserAgent = "clientele"
	defaultTimeout   = 10 * time.Second
	defaultMaxBytes  = 1 << 20
	maxHeaderBytes   = 64 << 10
	connectTimeout   = 5 * time.Second
	// Few are asked, and seldom: connections are not kept for long.
	idleTimeout    = 30 * time.Second
	maxIdle        = 16
	maxIdlePerHost = 2
)

// New makes a client. Each of its requests
//
//   - is https, or http where the host is a loopback address that the policy permits,
//   - connects to no address that the policy does not permit,
//   - follows no redirect: it fails, and the target is not asked,
//   - ends after Timeout, or with the MaxBytes'th byte of the body, or with 64 KiB
//     of headers, each with an error,
//   - sends and keeps no cookies, and goes through no proxy.
//
// It speaks HTTP/1.1, uncompressed: what is fetched is small.
func New(o Options) *http.Client { return newClient(o, &net.Dialer{Timeout: connectTimeout}) }

func newClient(o Options, dialer *net.Dialer) *http.Client {
	if o.UserAgent == "" {
		o.UserAgent = defaultUserAgent
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultMaxBytes
	}
	dialer.ControlContext = o.control
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &http.Client{
		Timeout: o.Timeout,
		Transport: &guarded{options: o, next: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    connectTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			MaxIdleConns:           maxIdle,
			MaxIdleConnsPerHost:    maxIdlePerHost,
			IdleConnTimeout:        idleTimeout,
			DisableCompression:     true,
			Protocols:              http1,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return refused("the answer is a redirect, which is not followed")
		},
	}
}

// control is called for each address that a name leads to, before it is
// connected to.
func (o Options) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return refused("a connection to %s by %s", address, network)
	}
	policy := o.Policy
	policy.Allow = append(slices.Clip(policy.Allow), o.Allow.prefixes()...)
	return policy.Check(to.Addr())
}

// guarded checks a request before, and bounds the answer's body after it.
type guarded struct {
	options Options
	next    *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := checkURL(r.URL); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", g.options.UserAgent)
	response, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.ContentLength > g.options.MaxBytes {
		_ = response.Body.Close()
		return nil, tooLarge(g.options.MaxBytes)
	}
	response.Body = &limited{response.Body, g.options.MaxBytes, g.options.MaxBytes}
	return response, nil
}

// CloseIdleConnections is called by that of http.Client.
func (g *guarded) CloseIdleConnections() { g.next.CloseIdleConnections() }

// checkURL: plain http is for this machine only. Whether it may be asked at all
// is checked when the connection is made.
func checkURL(u *url.URL) error {
	switch {
	case u.User != nil:
		return refused("a URL with a user name or password")
	case u.Scheme == "https", u.Scheme == "http" && namesLoopback(u.Hostname()):
		return nil
	}
	return refused("a URL that is not https")
}

func namesLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

func tooLarge(limit int64) error { return refused("the answer has more than %d bytes", limit) }

// limited is a body that ends with an error where it is too large. One that only
// stopped there would pass for a whole one.
type limited struct {
	io.ReadCloser
	left, limit int64
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if l.left < 0 {
		return 0, tooLarge(l.limit)
	}
	if int64(len(p)) > l.left+1 { // one more tells whether there is more
		p = p[:l.left+1]
	}
	n, err := l.ReadCloser.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		return n - 1, tooLarge(l.limit)
	}
	return n, err
}
