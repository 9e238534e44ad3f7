package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"io"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// rsaBits of the keys made here: RFC 7518, Section 3.3 wants 2048 or more, and
// each token costs the private operation.
const rsaBits = 2048

// Generate makes a Published key for an algorithm, ES256 or RS256.
func Generate(alg string, now time.Time) (Key, error) {
	private, err := generatePrivate(alg)
	if err != nil {
		return Key{}, fmt.Errorf("making a signing key: %w", err)
	}
	jwk := jose.JSONWebKey{Key: private, Algorithm: alg, Use: "sig"}
	kid, err := thumbprint(jwk)
	if err != nil {
		return Key{}, fmt.Errorf("making a signing key: %w", err)
	}
	jwk.KeyID = kid
	return Key{KID: kid, Algorithm: alg, Phase: Published, Created: stamp(now), JWK: jwk}, nil
}

// Rand is the source of randomness for signatures.
func Rand() io.Reader { return rand.Reader }

func generatePrivate(alg string) (any, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		return rsa.GenerateKey(rand.Reader, rsaBits)
	default:
		return nil, fmt.Errorf("unknown algorithm %q, want %s or %s", alg, ES256, RS256)
	}
}

// stamp is how times are kept: in UTC and without a monotonic reading, which
// would be lost in the Secret.
func stamp(t time.Time) time.Time { return t.UTC().Round(0) }
