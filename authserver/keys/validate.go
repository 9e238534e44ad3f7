package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // the hash of thumbprints
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

const (
	minRSABits = 2048
	maxRSABits = 4096 // more makes every token slow
	maxKeys    = 64   // what Parse takes; Plan makes at most MaxKeys
)

func (s Set) validate() error {
	if len(s.Keys) > maxKeys {
		return fmt.Errorf("there are %d keys, want at most %d", len(s.Keys), maxKeys)
	}
	seen := map[string]bool{}
	active := map[string]string{}
	for i, k := range s.Keys {
		if err := k.validate(); err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
		if seen[k.KID] {
			return fmt.Errorf("key %d: kid %s stands there twice", i, k.KID)
		}
		seen[k.KID] = true
		if k.Phase != Active {
			continue
		}
		if other, taken := active[k.Algorithm]; taken {
			return fmt.Errorf("key %d: %s and %s are both Active for %s, want one", i, other, k.KID, k.Algorithm)
		}
		active[k.Algorithm] = k.KID
	}
	return nil
}

func (k Key) validate() error {
	if err := checkPrivate(k.Algorithm, k.JWK); err != nil {
		return err
	}
	kid, err := thumbprint(k.JWK)
	if err != nil {
		return err
	}
	if k.KID != kid || k.JWK.KeyID != kid {
		return fmt.Errorf("kid is not the RFC 7638 thumbprint of the key, want %s", kid)
	}
	if k.JWK.Algorithm != k.Algorithm {
		return fmt.Errorf("the JWK's alg is not the key's, want %s", k.Algorithm)
	}
	switch k.Phase {
	case Published, Active, Retiring:
	default:
		return errors.New("unknown phase, want Published, Active or Retiring")
	}
	if k.Created.IsZero() {
		return errors.New("created is missing")
	}
	if (k.Phase != Published) != (k.Activated != nil) {
		return fmt.Errorf("a %s key wants activated set if, and only if, it is not Published", k.Phase)
	}
	if (k.Phase == Retiring) != (k.Retired != nil) {
		return fmt.Errorf("a %s key wants retired set if, and only if, it is Retiring", k.Phase)
	}
	if k.TokensExpireIn < 0 {
		return errors.New("tokensExpireIn is negative")
	}
	return nil
}

func checkPrivate(alg string, jwk jose.JSONWebKey) error {
	switch alg {
	case ES256:
		private, ok := jwk.Key.(*ecdsa.PrivateKey)
		if !ok || private.Curve != elliptic.P256() {
			return errors.New("not a private EC key on P-256, which ES256 wants")
		}
		if !fitsPublic(private) {
			return errors.New("the private EC key belongs to another public key")
		}
	case RS256:
		private, ok := jwk.Key.(*rsa.PrivateKey)
		if !ok {
			return errors.New("not a private RSA key, which RS256 wants")
		}
		if bits := private.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return fmt.Errorf("an RSA key of %d bits, want %d to %d", bits, minRSABits, maxRSABits)
		}
	default:
		return fmt.Errorf("unknown algorithm, want %s or %s", ES256, RS256)
	}
	return nil
}

// fitsPublic makes the public key from the private one again: reading a JWK does
// not, and a key with both from different pairs signs what nobody can verify.
// RSA keys are checked when they are read.
func fitsPublic(private *ecdsa.PrivateKey) bool {
	raw, err := private.Bytes()
	if err != nil {
		return false
	}
	again, err := ecdsa.ParseRawPrivateKey(private.Curve, raw)
	return err == nil && again.PublicKey.Equal(&private.PublicKey)
}

// thumbprint is RFC 7638 with SHA-256, in base64url.
func thumbprint(jwk jose.JSONWebKey) (string, error) {
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", errors.New("the key has no RFC 7638 thumbprint")
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}

// precompute prepares RSA keys: without it each signature would do it again.
func (s Set) precompute() {
	for _, k := range s.Keys {
		if private, ok := k.JWK.Key.(*rsa.PrivateKey); ok {
			private.Precompute()
		}
	}
}
