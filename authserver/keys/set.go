package keys

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The algorithms keys can be made for (RFC 7518, Section 3.1).
const (
	ES256 = "ES256"
	RS256 = "RS256"
)

// Phase is where a key is in its life.
type Phase string

// The phases, in their order.
const (
	// Published: in the JWK Set, never used.
	Published Phase = "Published"
	// Active: signs.
	Active Phase = "Active"
	// Retiring: signs no more and verifies until its last token has expired.
	Retiring Phase = "Retiring"
)

// FormatVersion is the Version of the sets that this package writes.
const FormatVersion = 1

// MaxDead bounds Set.Dead. Beyond it the oldest are forgotten: tokens of theirs
// expired hundreds of rotations ago, and a kid is the digest of a random key, so
// that only somebody who kept the private key could bring it back.
const MaxDead = 512

// Set is a server's signing keys with their private parts. It redacts itself
// wherever it is printed or logged; Marshal writes it.
type Set struct {
	// Version of the stored format; 0 in a set not written yet.
	Version int
	// Keys in the order in which they were made.
	Keys []Key
	// Dead are the kids that were removed, oldest first, at most MaxDead. They
	// never come back: Parse leaves out keys that stand here, so that putting an
	// old key back into the Secret does nothing.
	Dead []string
}

// Key is one signing key. Times are in UTC.
type Key struct {
	// KID is the RFC 7638 thumbprint (SHA-256, base64url) of the public key.
	KID string
	// Algorithm is ES256 or RS256.
	Algorithm string
	Phase     Phase
	// Created is when the key was made and so Published.
	Created time.Time
	// ObservedAt is since when every live replica is known to serve the key in
	// its present phase, by the clock of whoever runs Plan; nil: not yet.
	ObservedAt *time.Time
	// Activated is when the key became Active, Retired when it became Retiring.
	Activated *time.Time
	Retired   *time.Time
	// TokensExpireIn is the longest lifetime, in the whole time it signed, of
	// the tokens signed with it. Rounded up to seconds.
	TokensExpireIn time.Duration
	// JWK is the private key (RFC 7517), with kid, alg and use.
	JWK jose.JSONWebKey
}

// setJSON is the stored form, in the key `keyset.json` of the signing-keys Secret.
type setJSON struct {
	Version int       `json:"version"`
	Keys    []keyJSON `json:"keys"`
	Dead    []string  `json:"dead,omitempty"`
}

type keyJSON struct {
	KID            string          `json:"kid"`
	Algorithm      string          `json:"alg"`
	Phase          Phase           `json:"phase"`
	Created        time.Time       `json:"created"`
	ObservedAt     *time.Time      `json:"observedAt,omitempty"`
	Activated      *time.Time      `json:"activated,omitempty"`
	Retired        *time.Time      `json:"retired,omitempty"`
	TokensExpireIn int64           `json:"tokensExpireIn,omitempty"` // seconds
	JWK            jose.JSONWebKey `json:"jwk"`
}

// Parse reads what Marshal wrote. It refuses a format it does not know, a kid
// that is not the thumbprint of its key or stands there twice, a key that is
// public only or of another kind than its algorithm wants (ES256: P-256; RS256:
// at least 2048 bits), an unknown phase, and two Active keys of one algorithm.
// Keys whose kid is dead are left out. No error quotes the data.
func Parse(data []byte) (Set, error) {
	var stored setJSON
	if err := json.Unmarshal(data, &stored); err != nil {
		return Set{}, fmt.Errorf("key set: not JSON of the form {\"version\", \"keys\", \"dead\"} with private JWKs")
	}
	if stored.Version != FormatVersion {
		return Set{}, fmt.Errorf("key set: format version %d, want %d", stored.Version, FormatVersion)
	}
	s := Set{Version: stored.Version, Dead: stored.Dead}
	for _, k := range stored.Keys {
		if slices.Contains(s.Dead, k.KID) {
			continue
		}
		s.Keys = append(s.Keys, Key{
			KID: k.KID, Algorithm: k.Algorithm, Phase: k.Phase, Created: k.Created,
			ObservedAt: k.ObservedAt, Activated: k.Activated, Retired: k.Retired,
			TokensExpireIn: time.Duration(k.TokensExpireIn) * time.Second, JWK: k.JWK,
		})
	}
	if err := s.validate(); err != nil {
		return Set{}, fmt.Errorf("key set: %w", err)
	}
	s.precompute()
	return s, nil
}

// Marshal writes the set, private keys in plain text, as JSON for the
// signing-keys Secret. What Parse would refuse it refuses to write.
func (s Set) Marshal() ([]byte, error) {
	if err := s.validate(); err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	stored := setJSON{Version: FormatVersion, Keys: []keyJSON{}, Dead: s.Dead}
	for _, k := range s.Keys {
		stored.Keys = append(stored.Keys, keyJSON{
			KID: k.KID, Algorithm: k.Algorithm, Phase: k.Phase, Created: k.Created,
			ObservedAt: k.ObservedAt, Activated: k.Activated, Retired: k.Retired,
			TokensExpireIn: int64((k.TokensExpireIn + time.Second - 1) / time.Second), JWK: k.JWK,
		})
	}
	return json.Marshal(stored)
}

// Revision identifies what replicas serve: it changes with the keys, their
// algorithms and phases, and with nothing else. An observation that is noted in
// the set leaves it as it is, and a replica that reads such a set goes on serving
// the revision it served.
func (s Set) Revision() string {
	lines := make([]string, 0, len(s.Keys))
	for _, k := range s.Keys {
		lines = append(lines, k.KID+" "+k.Algorithm+" "+string(k.Phase)+"\n")
	}
	slices.Sort(lines)
	h := sha256.New()
	for _, line := range lines {
		_, _ = io.WriteString(h, line) // a hash never fails
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// String counts the keys; their private parts stay inside.
func (s Set) String() string { return fmt.Sprintf("key set of %d keys [redacted]", len(s.Keys)) }

// GoString is String.
func (s Set) GoString() string { return s.String() }

// Format writes String for every verb.
func (s Set) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is String.
func (s Set) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is String, so that no structured log shows a private key.
func (s Set) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String names the key by kid, algorithm and phase.
func (k Key) String() string {
	return fmt.Sprintf("%s key %s (%s) [redacted]", k.Algorithm, k.KID, k.Phase)
}

// GoString is String.
func (k Key) GoString() string { return k.String() }

// Format writes String for every verb.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, k.String()) }

// LogValue is String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText is String, so that no structured log shows the private key.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }
