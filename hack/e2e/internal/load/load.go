// Package load asks for tokens at a steady rate and counts what went wrong, by kind.
package load

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Target is a token endpoint and a client that may use it.
type Target struct {
	TokenEndpoint string
	Address       string // host:port to connect to, whatever the endpoint's name resolves to
	CA            []byte // PEM; what the server's certificate must chain to
	ClientID      string
	ClientSecret  string
	Scope         string
}

// patience is how long one request may take. A request that needs longer counts as
// failed: apps have given up by then.
const patience = 10 * time.Second

// limit of requests in flight. At the usual rates it is more than a server that hangs for
// as long as patience collects in a second;
// beyond it a request counts as late at once,
// for a load that grows without bound would only show what it does to the machine.
const limit = 400

// Kinds of failures that are not an HTTP status ("HTTP 503 temporarily_unavailable").
const (
	Refused = "connection refused" // nothing listened: the request was not sent
	Broken  = "connection broken"  // in the middle of a request
	Late    = "no answer in time"
	Other   = "other error"
)

// Failure is one request that got no token.
type Failure struct {
	Kind   string
	Detail string
	When   time.Duration // of its begin, since the load began
}

// Result is what a Run saw.
type Result struct {
	Sent      int
	Failures  []Failure // in the order in which they began
	Duration  time.Duration
	latencies []time.Duration // of the requests that got a token, sorted
}

// Run is a load that goes on until Stop.
type Run struct {
	target  Target
	begin   time.Time
	cancel  context.CancelFunc
	running sync.WaitGroup
	flying  chan struct{} // holds one for each request in flight
	clients []*http.Client

	mu     sync.Mutex
	result Result
}

// Start asks for so many tokens per second, whether or not earlier answers are there,
// until Stop. A third of the requests each uses HTTP/2, HTTP/1.1 with connections that
// are kept, and a new connection, because a server that ends treats these differently.
func Start(target Target, perSecond int) (*Run, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(target.CA) {
		return nil, errors.New("the CA of the token endpoint holds no certificate")
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Run{target: target, begin: time.Now(), cancel: cancel, flying: make(chan struct{}, limit)}
	for _, change := range []func(*http.Transport){
		func(t *http.Transport) { t.ForceAttemptHTTP2 = true },
		func(*http.Transport) {},
		func(t *http.Transport) { t.DisableKeepAlives = true },
	} {
		t := &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, target.Address)
			},
			TLSClientConfig:     &tls.Config{RootCAs: roots},
			MaxIdleConnsPerHost: 16,
		}
		change(t)
		r.clients = append(r.clients, &http.Client{Transport: t, Timeout: patience})
	}
	r.running.Go(func() { r.pace(ctx, time.Second/time.Duration(perSecond)) })
	return r, nil
}

func (r *Run) pace(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	// A ticker drops what a busy machine is late with; the count makes up for it.
	for sent := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for due := int(time.Since(r.begin) / every); sent < due; sent++ {
			client := r.clients[sent%len(r.clients)]
			r.running.Go(func() { r.one(client) })
		}
	}
}

func (r *Run) one(client *http.Client) {
	begin := time.Now()
	err := errFull
	select {
	case r.flying <- struct{}{}:
		err = ask(client, r.target)
		<-r.flying
	default:
	}
	took := time.Since(begin)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Sent++
	if err == nil {
		r.result.latencies = append(r.result.latencies, took)
		return
	}
	r.result.Failures = append(r.result.Failures, Failure{Kind: kind(err), Detail: err.Error(), When: begin.Sub(r.begin)})
}

var errFull = fmt.Errorf("not sent: %d requests in flight have no answer yet", limit)

// status is an answer that is no token.
type status struct {
	code       int
	body       string
	retryAfter string
}

func (s status) Error() string {
	return fmt.Sprintf("status %d, Retry-After %q: %s", s.code, s.retryAfter, s.body)
}

func ask(client *http.Client, target Target) error {
	form := url.Values{"grant_type": {"client_credentials"}}
	if target.Scope != "" {
		form.Set("scope", target.Scope)
	}
	req, err := http.NewRequest(http.MethodPost, target.TokenEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(target.ClientID), url.QueryEscape(target.ClientSecret))
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if resp.StatusCode != http.StatusOK || json.Unmarshal(body, &answer) != nil || answer.AccessToken == "" {
		return status{resp.StatusCode, string(body), resp.Header.Get("Retry-After")}
	}
	return nil
}

func kind(err error) string {
	var answer status
	var network net.Error
	switch {
	case errors.As(err, &answer):
		var oauth struct {
			Error string `json:"error"`
		}
		_ = json.Unmarshal([]byte(answer.body), &oauth) // a body that is not ours has no code
		return strings.TrimSpace(fmt.Sprintf("HTTP %d %s", answer.code, oauth.Error))
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, errFull), errors.As(err, &network) && network.Timeout():
		return Late
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		strings.Contains(err.Error(), "http2: "), strings.Contains(err.Error(), "server closed idle connection"):
		return Broken
	}
	return Other
}

// Elapsed is the time since the load began, as in Failure.When.
func (r *Run) Elapsed() time.Duration { return time.Since(r.begin) }

// Got is how many tokens the load has got so far.
func (r *Run) Got() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.result.latencies)
}

// Stop ends the load, waits for the requests in flight, and says what happened.
func (r *Run) Stop() Result {
	r.cancel()
	r.running.Wait()
	for _, c := range r.clients {
		c.CloseIdleConnections()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Duration = time.Since(r.begin)
	slices.Sort(r.result.latencies)
	slices.SortStableFunc(r.result.Failures, func(a, b Failure) int { return int(a.When - b.When) })
	return r.result
}

// Kinds counts the failures by kind.
func (r Result) Kinds() map[string]int {
	kinds := map[string]int{}
	for _, f := range r.Failures {
		kinds[f.Kind]++
	}
	return kinds
}

// Quantile of the latencies of the requests that got a token; q from 0 to 1.
func (r Result) Quantile(q float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[min(len(r.latencies)-1, int(q*float64(len(r.latencies))))]
}

// String is one line for a log: counts, latencies, and of each kind of failure when
// it was seen first and last, and one example.
func (r Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests in %.1f s, %d failed; p50 %s, p99 %s, slowest %s",
		r.Sent, r.Duration.Seconds(), len(r.Failures), round(r.Quantile(.5)), round(r.Quantile(.99)), round(r.Quantile(1)))
	for _, k := range slices.Sorted(maps.Keys(r.Kinds())) {
		var first, last Failure
		for _, f := range r.Failures {
			if f.Kind != k {
				continue
			}
			if first.Kind == "" {
				first = f
			}
			last = f
		}
		fmt.Fprintf(&b, "\n  %d x %s, from %.2f s to %.2f s, such as: %s", r.Kinds()[k], k, first.When.Seconds(), last.When.Seconds(), first.Detail)
	}
	return b.String()
}

func round(d time.Duration) time.Duration {
	if d > 100*time.Millisecond {
		return d.Round(time.Millisecond)
	}
	return d.Round(10 * time.Microsecond)
}
