package authserver_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
)

// BenchmarkToken is the handler alone, without a network: what a token costs
// beside net/http. Compare with BenchmarkBareSignature.
func BenchmarkToken(b *testing.B) {
	s, c := benchServer(b)
	request := s.TokenRequest(b, c, "scope", "orders.read")
	body, err := io.ReadAll(request.Body)
	if err != nil {
		b.Fatal(err)
	}
	text := string(body)
	handler := s.Handler()
	b.ReportAllocs()
	for b.Loop() {
		request.Body = io.NopCloser(strings.NewReader(text))
		w := &sink{header: make(http.Header, 8)}
		handler.ServeHTTP(w, request)
		if w.status != 200 {
			b.Fatalf("status %d", w.status)
		}
	}
}

// BenchmarkBareSignature is what no token can be had without.
func BenchmarkBareSignature(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("claims"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ecdsa.SignASN1(rand.Reader, key, digest[:]); err != nil {
			b.Fatal(err)
		}
	}
}

func benchServer(b *testing.B) (*authtest.Server, authtest.Client) {
	b.Helper()
	s := authtest.Start(b, authtest.Config{Discard: true})
	s.MustPutPolicy(b, authtest.Policy("p1", orders, "orders.read", "orders.write"))
	return s, s.MustRegister(b, authtest.NewClient("shop", withScopes("orders.read orders.write", orders)))
}
