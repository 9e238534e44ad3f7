package logo

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/outbound"
)

var (
	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	aPNG = picture("image/png", 3, 2)
)

// site serves logos and counts who asks.
type site struct {
	*httptest.Server
	asked  atomic.Int64
	answer http.HandlerFunc
}

func newSite(t *testing.T, answer http.HandlerFunc) *site {
	t.Helper()
	s := &site{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func sends(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }
}

// newCache makes one that may fetch from loopback, and a clock for it.
func newCache(t *testing.T) (c *Cache, pass func(time.Duration)) {
	t.Helper()
	client := outbound.New(outbound.Options{
		Policy: outbound.Policy{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, MaxBytes: MaxBytes, Timeout: Timeout,
	})
	t.Cleanup(client.CloseIdleConnections)
	var now atomic.Int64
	c = New(Options{Client: client, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon.Add(time.Duration(now.Load())) }})
	return c, func(d time.Duration) { now.Add(int64(d)) }
}

// A8, A9: what is handed on is an image of pixels by its own bytes.
func TestA8OnlyImagesOfPixels(t *testing.T) {
	page := []byte("<!doctype html><script>alert(1)</script>")
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)
	as := func(kind string, content []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(content)
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"png":                  {sends(aPNG), "image/png"},
		"gif":                  {sends(picture("image/gif", 3, 2)), "image/gif"},
		"jpeg":                 {sends(picture("image/jpeg", 3, 2)), "image/jpeg"},
		"webp":                 {sends(picture("VP8 ", 1, 1)), "image/webp"},
		"png that says html":   {as("text/html", aPNG), "image/png"},
		"png by its name only": {sends(aPNG[:16]), ""},
		"a bomb":               {sends(picture("image/png", 30_000, 30_000)), ""},
		"html that says png":   {as("image/png", page), ""},
		"svg":                  {as("image/svg+xml", svg), ""},
		"svg that says png":    {as("image/png", svg), ""},
		"svg with a prolog":    {as("image/png", append([]byte("<?xml version='1.0'?>"), svg...)), ""},
		"pdf":                  {sends([]byte("%PDF-1.7")), ""},
		"icon":                 {sends([]byte("\x00\x00\x01\x00\x01\x00")), ""},
		"nothing":              {sends(nil), ""},
		"as large as may be":   {sends(append(bytes.Clone(aPNG), make([]byte, MaxBytes-len(aPNG))...)), "image/png"},
		"too large":            {sends(append(bytes.Clone(aPNG), make([]byte, MaxBytes)...)), ""},
		"an error with a logo": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write(aPNG)
		}, ""},
		"somewhere else": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }, ""},
		"a body that ends early": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write(aPNG)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, c.answer)
			cache, _ := newCache(t)
			got, ok := cache.Get(t.Context(), s.URL)
			if ok != (c.want != "") || got.Type != c.want || ok && (len(got.Bytes) == 0 || len(got.ETag) != 34) {
				t.Errorf("got %q of %d bytes, %v", got.Type, len(got.Bytes), ok)
			}
		})
	}
}

func TestA8PrivateLogosAreNotFetched(t *testing.T) {
	s := newSite(t, sends(aPNG))
	c := New(Options{Client: outbound.New(outbound.Options{}), Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler)})
	for _, url := range []string{s.URL, strings.Replace(s.URL, "http:", "https:", 1), "https://169.254.169.254/", "not a URL\x00"} {
		if _, ok := c.Get(t.Context(), url); ok {
			t.Errorf("%s was fetched", url)
		}
	}
	if s.asked.Load() != 0 {
		t.Error("it was asked")
	}
}

func TestLogosAreKeptForAWhile(t *testing.T) {
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		keep   time.Duration
	}{"a logo": {sends(aPNG), keepImage}, "that there is none": {http.NotFound, keepNothing}} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, tc.answer)
			c, pass := newCache(t)
			for _, step := range []struct {
				pass time.Duration
				want int64
			}{{0, 1}, {tc.keep - time.Second, 1}, {time.Second, 2}, {0, 2}} {
				pass(step.pass)
				c.Get(t.Context(), s.URL)
				if n := s.asked.Load(); n != step.want {
					t.Fatalf("asked %d times, want %d", n, step.want)
				}
			}
		})
	}
}

// Many who ask cause one request, also if the first of them goes away.
func TestOneFetchForAll(t *testing.T) {
	arrived, release := make(chan struct{}, 100), make(chan struct{})
	s := newSite(t, func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		_, _ = w.Write(aPNG)
	})
	c, _ := newCache(t)
	gone, leave := context.WithCancel(t.Context())
	left := make(chan bool)
	go func() {
		_, ok := c.Get(gone, s.URL)
		left <- ok
	}()
	<-arrived
	leave()
	if <-left {
		t.Error("who went away got a logo")
	}
	var waiting sync.WaitGroup
	var got atomic.Int64
	for range 20 {
		waiting.Go(func() {
			if _, ok := c.Get(t.Context(), s.URL); ok {
				got.Add(1)
			}
		})
	}
	close(release)
	waiting.Wait()
	if got.Load() != 20 || s.asked.Load() != 1 {
		t.Errorf("%d of 20 got it, with %d requests", got.Load(), s.asked.Load())
	}
}

func TestBoundedMemory(t *testing.T) {
	c, pass := newCache(t)
	large := Image{Type: "image/png", Bytes: make([]byte, MaxBytes)}
	for i := range 1000 {
		pass(time.Second)
		c.keep(fmt.Sprint("large ", i), large)
		if c.total > maxTotal {
			t.Fatalf("%d bytes after %d logos", c.total, i+1)
		}
	}
	if _, known := c.look("large 999"); !known {
		t.Error("the newest is forgotten")
	}
	for i := range 3 * maxLogos {
		c.keep(fmt.Sprint("none ", i), Image{})
		c.keep("again", large)
	}
	sum := 0
	for _, k := range c.kept {
		sum += len(k.image.Bytes)
	}
	if len(c.kept) > maxLogos || sum != c.total {
		t.Errorf("%d are kept, of %d bytes, counted as %d", len(c.kept), sum, c.total)
	}
}
