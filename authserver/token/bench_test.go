package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"clientele.dev/clientele/authserver/keys"
)

// The ceiling of minting is the bare signature over a digest of the same size.
func BenchmarkBareES256(b *testing.B) {
	s, _ := signer(b, keys.ES256)
	key := s.Private.(*ecdsa.PrivateKey)
	digest := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ecdsa.SignASN1(rand.Reader, key, digest); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareRS256(b *testing.B) {
	s, _ := signer(b, keys.RS256)
	key := s.Private.(*rsa.PrivateKey)
	digest := make([]byte, 32)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMintES256(b *testing.B) { benchmarkMint(b, keys.ES256) }
func BenchmarkMintRS256(b *testing.B) { benchmarkMint(b, keys.RS256) }

func benchmarkMint(b *testing.B, alg string) {
	s, _ := signer(b, alg)
	m, c := minter(b, s), sample()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Mint(c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMintBesideBareES256 takes turns, so that a noisy machine is as noisy
// for both, and reports how much of the bare signature's rate minting keeps.
func BenchmarkMintBesideBareES256(b *testing.B) { benchmarkBeside(b, keys.ES256) }

// BenchmarkMintBesideBareRS256 is the same for RS256.
func BenchmarkMintBesideBareRS256(b *testing.B) { benchmarkBeside(b, keys.RS256) }

func benchmarkBeside(b *testing.B, alg string) {
	s, _ := signer(b, alg)
	m, c := minter(b, s), sample()
	digest := make([]byte, 32)
	var bare, mint time.Duration
	for b.Loop() {
		began := time.Now()
		if _, err := s.Private.Sign(rand.Reader, digest, crypto.SHA256); err != nil {
			b.Fatal(err)
		}
		middle := time.Now()
		if _, err := m.Mint(c); err != nil {
			b.Fatal(err)
		}
		bare, mint = bare+middle.Sub(began), mint+time.Since(middle)
	}
	b.ReportMetric(100*float64(bare)/float64(mint), "%of-bare")
	b.ReportMetric(float64(mint-bare)/float64(b.N), "ns-more/op")
}

// BenchmarkMintWithoutSigning is what minting adds to a signature.
func BenchmarkMintWithoutSigning(b *testing.B) {
	s, _ := signer(b, keys.ES256)
	signature, err := s.Private.Sign(rand.Reader, make([]byte, 32), crypto.SHA256)
	if err != nil {
		b.Fatal(err)
	}
	m, c := minter(b, keys.Signer{KID: s.KID, Algorithm: keys.ES256, Private: broken{Signer: s.Private, signature: signature}}), sample()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Mint(c); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGoJoseES256 is the same token by go-jose, for comparison.
func BenchmarkGoJoseES256(b *testing.B) {
	s, _ := signer(b, keys.ES256)
	opts := (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", s.KID)
	sign, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: s.Private}, opts)
	if err != nil {
		b.Fatal(err)
	}
	claims := asJSON(b, sample())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jwt.Signed(sign).Claims(claims).Serialize(); err != nil {
			b.Fatal(err)
		}
	}
}
