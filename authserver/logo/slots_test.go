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

// What waits for a slot has as long to answer as any.
func TestWaitingForASlotTakesNoTimeFromTheFetch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := New(slowly(3 * time.Second))
		for i := range maxFetches {
			go c.Get(t.Context(), fmt.Sprintf("https://slow-%d.example/logo", i))
		}
		synctest.Wait()
		if n := len(c.slots); n != maxFetches {
			t.Fatalf("%d are fetched at a time, want %d", n, maxFetches)
		}
		if _, ok := c.Get(t.Context(), "https://slow.example/logo"); !ok {
			t.Error("there is none")
		}
	})
}

// What got no slot is not known: it is asked for again.
func TestNothingIsKeptOfWhatGotNoSlot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := New(slowly(0))
		for range maxFetches {
			c.slots <- struct{}{}
		}
		if _, ok := c.Get(t.Context(), "https://app.example/logo"); ok {
			t.Error("it was fetched without a slot")
		}
		<-c.slots
		if _, ok := c.Get(t.Context(), "https://app.example/logo"); !ok {
			t.Error("afterwards there is none either")
		}
	})
}
