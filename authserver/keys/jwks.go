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

// ActiveOr is the signer of Signing's key.
func (s Set) ActiveOr(alg string) (Signer, bool) {
	k, ok := s.Signing(alg)
	if !ok {
		return Signer{}, false
	}
	return k.signer()
}

// Signing returns the key that signs what is to be signed with an algorithm: its
// Active key, or where it has none, the one that became Active last for another.
// While a server changes an algorithm, or gets a second one, the new key is
// Published first and the old one signs on. False: no key is Active.
func (s Set) Signing(alg string) (Key, bool) {
	var latest *Key
	for i := range s.Keys {
		k := &s.Keys[i]
		if k.Phase != Active || k.Activated == nil {
			continue
		}
		if k.Algorithm == alg {
			return *k, true
		}
		if latest == nil || k.Activated.After(*latest.Activated) {
			latest = k
		}
	}
	if latest == nil {
		return Key{}, false
	}
	return *latest, true
}

func (k Key) signer() (Signer, bool) {
	private, ok := k.JWK.Key.(crypto.Signer)
	return Signer{KID: k.KID, Algorithm: k.Algorithm, Private: private}, ok
}
