package keys

import (
	"crypto"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/go-jose/go-jose/v4"
)

// JWKS is the public JWK Set (RFC 7517, Section 5) with the keys of every phase,
// each with kid, alg and use.
func (s Set) JWKS() ([]byte, error) {
	public := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range s.Keys {
		jwk := k.JWK.Public()
		if !jwk.Valid() || !jwk.IsPublic() {
			return nil, fmt.Errorf("making the JWK Set: key %s has no public part", k.KID)
		}
		jwk.KeyID, jwk.Algorithm, jwk.Use = k.KID, k.Algorithm, "sig"
		public.Keys = append(public.Keys, jwk)
	}
	return json.Marshal(public)
}

// Signer signs with the Active key of an algorithm. It redacts itself.
type Signer struct {
	KID       string
	Algorithm string
	Private   crypto.Signer
}

// String names the key by kid and algorithm.
func (s Signer) String() string { return s.Algorithm + " signer " + s.KID + " [redacted]" }

// GoString is String.
func (s Signer) GoString() string { return s.String() }

// Format writes String for every verb.
func (s Signer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s Signer) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, so that no structured log shows the private key.
func (s Signer) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Active returns the signer of an algorithm; false where no key is Active for it.
func (s Set) Active(alg string) (Signer, bool) {
	for _, k := range s.Keys {
		if k.Phase == Active && k.Algorithm == alg {
			return k.signer()
		}
	}
	return Signer{}, false
}

// ActiveOr is Active, or where no key is Active for the algorithm, the signer
// that became Active last for another. While a server changes its algorithm the
// new key is Published first and the old one signs on.
func (s Set) ActiveOr(alg string) (Signer, bool) {
	if signer, ok := s.Active(alg); ok {
		return signer, true
	}
	var latest *Key
	for i, k := range s.Keys {
		if k.Phase == Active && k.Activated != nil && (latest == nil || k.Activated.After(*latest.Activated)) {
			latest = &s.Keys[i]
		}
	}
	if latest == nil {
		return Signer{}, false
	}
	return latest.signer()
}

func (k Key) signer() (Signer, bool) {
	private, ok := k.JWK.Key.(crypto.Signer)
	return Signer{KID: k.KID, Algorithm: k.Algorithm, Private: private}, ok
}
