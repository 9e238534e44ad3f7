package kube

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// Bounds of what an upstream provider answers.
const (
	upstreamTimeout = 10 * time.Second
	upstreamBytes   = 1 << 20
)

// newOutbound makes the client that asks upstream providers: no redirects (a
// discovery document that moves is another issuer's), bounded time and size.
// Providers are named by the platform team and may well live in the cluster, so
// private addresses are not refused; URLs that strangers name must not be fetched
// with it.
func newOutbound() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = upstreamTimeout
	transport.MaxResponseHeaderBytes = 64 << 10
	return &http.Client{
		Timeout:   upstreamTimeout,
		Transport: bounded{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// bounded cuts bodies off at upstreamBytes, with an error.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = &limited{response.Body, upstreamBytes}
	return response, nil
}

type limited struct {
	io.ReadCloser
	left int
}

var errTooLarge = errors.New("the answer is too large")

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLarge
	}
	n, err := l.ReadCloser.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}
