package oauthclient

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func hasLabel(t testing.TB, key string) labels.Selector {
	t.Helper()
	r, err := labels.NewRequirement(key, selection.Exists, nil)
	must(t, err)
	return labels.NewSelector().Add(*r)
}

// versions of the objects of a list, by uid.
func versions(t testing.TB, list client.ObjectList) map[types.UID]string {
	t.Helper()
	out := map[types.UID]string{}
	must(t, meta.EachListItem(list, func(o runtime.Object) error {
		m, err := meta.Accessor(o)
		if err == nil {
			out[m.GetUID()] = m.GetResourceVersion()
		}
		return err
	}))
	return out
}

// covers says whether a cache's list has what the API server's had.
func covers(have, want map[types.UID]string) bool {
	for uid, version := range want {
		if older(have[uid], version) {
			return false
		}
	}
	for uid := range have {
		if _, ok := want[uid]; !ok {
			return false
		}
	}
	return true
}

// older compares resourceVersions, which are numbers.
func older(a, b string) bool { return len(a) < len(b) || len(a) == len(b) && a < b }

// proxy stands before the authorization server and fails as it is told.
type proxy struct {
	URL      string
	requests atomic.Int64
	polls    atomic.Int64 // of the requests
	mu       sync.Mutex
	to       string
	fail     func(http.ResponseWriter, *http.Request) bool
	lose     func(*http.Request) bool
}

func newProxy(t *testing.T, to string) *proxy {
	p := &proxy{to: to}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.URL = s.URL
	return p
}

func (p *proxy) target(to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = to
}

// failing makes requests of a method fail in the given manner; nil: none.
func (p *proxy) failing(method string, f http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = nil
	if f != nil {
		p.fail = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != method {
				return false
			}
			f(w, r)
			return true
		}
	}
}

// losing lets requests of a method reach the server and drops the answer, once.
func (p *proxy) losing(method string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose = func(r *http.Request) bool { return r.Method == method }
}

// beforeReading runs f once, before a registration is read.
func (p *proxy) beforeReading(f func()) {
	var once atomic.Bool
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/register/") && once.CompareAndSwap(false, true) {
			f()
		}
		return false
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.requests.Add(1)
	if strings.HasSuffix(r.URL.Path, "/changes") {
		p.polls.Add(1)
	}
	p.mu.Lock()
	to, fail, lose := p.to, p.fail, p.lose
	lost := lose != nil && lose(r)
	if lost {
		p.lose = nil
	}
	p.mu.Unlock()
	if fail != nil && fail(w, r) {
		return
	}
	status, header, body := forward(to, r)
	if lost {
		hangUp(w, r)
		return
	}
	for k, v := range header {
		w.Header()[k] = v
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func forward(to string, r *http.Request) (int, http.Header, []byte) {
	sent, _ := io.ReadAll(r.Body)
	req, err := http.NewRequestWithContext(r.Context(), r.Method, to+r.URL.RequestURI(), bytes.NewReader(sent))
	if err != nil {
		return http.StatusBadGateway, nil, []byte(err.Error())
	}
	req.Header = r.Header.Clone()
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return http.StatusBadGateway, nil, []byte(err.Error())
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, res.Header, body
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
		_ = c.Close()
	}
}

func answer(status int, header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if header != "" {
			w.Header().Set("Retry-After", header)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// silence answers nothing until the caller gives up.
func silence(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	select {
	case <-r.Context().Done():
	case <-time.After(time.Minute):
	}
}

// faults stops an operator at a crash point, once.
type faults struct {
	mu    sync.Mutex
	point string
}

var errCrash = errors.New("the operator was killed here")

func (f *faults) at(point string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.point == point {
		f.point = ""
		return errCrash
	}
	return nil
}

func (f *faults) stopAt(point string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.point = point
}

// counter counts writes to the API server.
type counter struct {
	next   http.RoundTripper
	writes *atomic.Int64
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/token") {
		c.writes.Add(1)
	}
	return c.next.RoundTrip(r)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what comes: a minute is for machines that are busy.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("not in time: %s", what)
		case <-tick.C:
		}
	}
}
