package load

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func start(t *testing.T, handler http.HandlerFunc, perSecond int) (*Run, *httptest.Server) {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	r, err := Start(Target{
		TokenEndpoint: "https://example.com/oauth/token", Address: s.Listener.Addr().String(),
		CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}),
	}, perSecond)
	if err != nil {
		t.Fatal(err)
	}
	return r, s
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// A failure that is counted as a success, or not at all, would make every scenario
// under load pass.
func TestFailuresAreCountedByKind(t *testing.T) {
	var asked atomic.Int64
	protocols := [3]atomic.Int64{}
	r, s := start(t, func(w http.ResponseWriter, req *http.Request) {
		protocols[req.ProtoMajor].Add(1)
		switch asked.Add(1) % 4 {
		case 0:
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			panic(http.ErrAbortHandler) // the connection breaks
		default:
			_, _ = w.Write([]byte(`{"access_token":"t"}`))
		}
	}, 500)
	await(t, "200 requests were not sent within 20 s", func() bool { return asked.Load() >= 200 })
	s.Listener.Close()
	s.CloseClientConnections()
	sent := asked.Load()
	await(t, "20 requests after the server's end were not counted within 20 s", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.result.Sent > int(sent)+20
	})
	result := r.Stop()
	kinds := result.Kinds()
	for _, want := range []string{"HTTP 401 invalid_client", "HTTP 503", Broken, Refused} {
		if kinds[want] == 0 {
			t.Errorf("no failure was counted as %q: %s", want, result)
		}
	}
	if len(result.Failures)+r.Got() != result.Sent {
		t.Errorf("%d failed and %d got a token, of %d", len(result.Failures), r.Got(), result.Sent)
	}
	if protocols[1].Load() == 0 || protocols[2].Load() == 0 {
		t.Errorf("HTTP/1.1 was used %d times, HTTP/2 %d times; want both", protocols[1].Load(), protocols[2].Load())
	}
}

// A connection that nobody answers is a failure too.
func TestNoAnswerIsLate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := &http.Client{Timeout: 50 * time.Millisecond}
	err = ask(c, Target{TokenEndpoint: "http://" + l.Addr().String()})
	if err == nil || kind(err) != Late {
		t.Errorf("error %v is of kind %q, want %q", err, kind(err), Late)
	}
}
