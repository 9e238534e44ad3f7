package logo

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// roundTrip is a transport of a test's own.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// slowly is a web where a host called slow… answers after so long, and others at
// once. It runs in a bubble of synctest.
func slowly(d time.Duration) Options {
	transport := roundTrip(func(r *http.Request) (*http.Response, error) {
		if strings.HasPrefix(r.URL.Hostname(), "slow") {
			select {
			case <-r.Context().Done():
				return nil, r.Context().Err()
			case <-time.After(d):
			}
		}
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(aPNG)), Request: r}, nil
	})
	return Options{Client: &http.Client{Transport: transport, Timeout: Timeout}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

// bubble ends when everything that was asked has ended.
func bubble(t *testing.T, test func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		defer time.Sleep(4 * Timeout) // of the bubble: no time passes outside
		test(t)
	})
}

// fill a cache's turns with hosts that are slow, as many as fit and more.
func fill(t *testing.T, c *Cache) {
	t.Helper()
	for i := range 4 * maxFetches {
		go c.Get(t.Context(), fmt.Sprintf("https://slow-%d.example/logo", i), always)
	}
	synctest.Wait()
	if n := len(c.turns.all); n != maxFetches {
		t.Fatalf("%d are fetched at a time, want %d", n, maxFetches)
	}
}

// Whoever fills the turns with slow ones does not have the others forgotten: what
// waited for its turn has as long to answer as any.
func TestWaitingForATurnTakesNothingFromIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := New(slowly(3 * time.Second))
		for i := range maxFetches {
			go c.Get(t.Context(), fmt.Sprintf("https://slow-%d.example/logo", i), always)
		}
		synctest.Wait()
		if _, ok := c.Get(t.Context(), "https://slow.example/logo", always); !ok {
			t.Error("there is none")
		}
	})
}

// What there was no turn for is not known: it is asked for again.
func TestNothingIsKeptOfWhatHadNoTurn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := New(slowly(time.Hour))
		fill(t, c)
		if _, ok := c.Get(t.Context(), "https://app.example/logo", always); ok {
			t.Error("it was fetched without a turn")
		}
		time.Sleep(4 * Timeout)
		if _, ok := c.Get(t.Context(), "https://app.example/logo", always); !ok {
			t.Error("afterwards there is none either")
		}
	})
}

// However slow, strangers take no turn from declared clients, nor a page's time,
// also where they name the same logo; nor their room.
func TestStrangersTakeNothingFromDeclaredClients(t *testing.T) {
	bubble(t, func(t *testing.T) {
		both := NewCaches(slowly(time.Hour))
		fill(t, both.SelfRegistered)
		go both.SelfRegistered.Get(t.Context(), "https://app.example/logo", always)
		synctest.Wait()
		began := time.Now()
		if _, ok := both.Declared.Get(t.Context(), "https://app.example/logo", always); !ok || time.Since(began) != 0 {
			t.Errorf("there is one: %v, after %s", ok, time.Since(began))
		}
		for i := range 2 * maxLogos {
			both.SelfRegistered.keep(fmt.Sprint(i), Image{})
		}
		if _, known := both.Declared.look("https://app.example/logo"); !known {
			t.Error("strangers' logos made the server forget it")
		}
	})
}

// One host, however many logos are there and however it is spelled, takes few turns.
func TestOneSlowHostTakesFewTurns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := New(slowly(time.Hour))
		spellings := []string{"https://slow.example/%d", "https://SLOW.example./%d", "https://slow.example:%d/"}
		for i := range 4 * maxFetches {
			go c.Get(t.Context(), fmt.Sprintf(spellings[i%len(spellings)], i+1), always)
		}
		synctest.Wait()
		if n := len(c.turns.all); n != maxPerHost {
			t.Errorf("it has %d turns, want %d", n, maxPerHost)
		}
		began := time.Now()
		if _, ok := c.Get(t.Context(), "https://app.example/logo", always); !ok || time.Since(began) != 0 {
			t.Errorf("another host's: %v, after %s", ok, time.Since(began))
		}
		time.Sleep(4 * Timeout)
		c.turns.mu.Lock()
		defer c.turns.mu.Unlock()
		if n := len(c.turns.hosts); n != 0 {
			t.Errorf("%d hosts are remembered for nothing", n)
		}
	})
}
