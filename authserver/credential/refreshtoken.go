package credential

import (
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
)

// PrefixRefreshToken begins every refresh token (RFC 6749, Section 1.5).
const PrefixRefreshToken = "clf_"

// RefreshTokenLen is how long the text of every refresh token is, in characters.
const RefreshTokenLen = len(PrefixRefreshToken) + refreshTextLen + checksumLen

// A refresh token is "clf_", 80 characters of base64url and a checksum of 6. The
// base64url is
//
//	family (16 bytes) | generation (4, big endian) | secret (32) | tag (8)
//
// 60 bytes are 80 characters without a bit to spare, so one token has one text.
const (
	refreshSecretLen = 32
	refreshTagLen    = 8
	refreshBodyLen   = familyIDLen + 4 + refreshSecretLen
	refreshTextLen   = (refreshBodyLen + refreshTagLen) * 4 / 3

	refreshTagLabel       = "clientele/refresh-tag/1\x00"
	refreshSuccessorLabel = "clientele/refresh-successor/1\x00"
)

var (
	// ErrRefreshToken says that a text is not a refresh token that these keys made.
	// Whoever gets it knows nothing of any family: garbage revokes nothing.
	ErrRefreshToken = errors.New("not a refresh token of these keys")
	// ErrServerKeyGone says that the key which a family's successors are derived
	// with is not among the server keys any more.
	ErrServerKeyGone = errors.New("the server key of the refresh token family is gone")
	// ErrFamilyWornOut says that a family has had all its 4,294,967,295 generations.
	ErrFamilyWornOut = errors.New("the refresh token family has no further generation")
)

// RefreshToken is what stands in a refresh token. It redacts its secret.
type RefreshToken struct {
	// Family is the family's id, as NewFamilyID makes it.
	Family string
	// Generation is 1 in a family's first token, and at most 4,294,967,295.
	Generation int64
	secret     [refreshSecretLen]byte
}

// NewRefreshToken makes the first token of a family, with 256 random bits.
func NewRefreshToken(family string) RefreshToken {
	t := RefreshToken{Family: family, Generation: 1}
	_, _ = rand.Read(t.secret[:]) // never fails: crypto/rand ends the process instead
	return t
}

// NewestVersion is the version of the newest key: what a new family's successors
// are derived with. 0: there are no keys.
func (k ServerKeys) NewestVersion() int { return k.newest().Version }

// EncodeRefreshToken writes the token as the client gets it, with a tag under the
// newest key. So one token has another text once a key was added; to give a
// client the same text again, name the version: see Successor.
//
// The error says that the family's id or the generation is none.
func (k ServerKeys) EncodeRefreshToken(t RefreshToken) (Secret, error) {
	return t.encode(k.newest())
}

// Successor makes the token that follows t in its family, and its text. Both are
// derived from t and the server key of that version alone: a client that lost the
// answer gets the very same again, and nothing that could give it is stored.
//
// Errors: ErrServerKeyGone, ErrFamilyWornOut.
func (k ServerKeys) Successor(t RefreshToken, version int) (RefreshToken, Secret, error) {
	key, ok := k.version(version)
	if !ok {
		return RefreshToken{}, "", ErrServerKeyGone
	}
	if t.Generation >= math.MaxUint32 {
		return RefreshToken{}, "", ErrFamilyWornOut
	}
	next := RefreshToken{Family: t.Family, Generation: t.Generation + 1}
	body, err := next.body()
	if err != nil {
		return RefreshToken{}, "", err
	}
	// The successor's body with the predecessor's secret in its place.
	copy(body[refreshBodyLen-refreshSecretLen:], t.secret[:])
	next.secret = key.hmac([]byte(refreshSuccessorLabel), body[:])
	text, err := next.encode(key)
	return next, text, err
}

// ParseRefreshToken reads the text of a token and checks its tag under every key,
// so that a token of any generation is recognised as one that was really given
// out. Whether it is the current one is for the family's record to say. The error
// is ErrRefreshToken.
func (k ServerKeys) ParseRefreshToken(text string) (RefreshToken, error) {
	if len(text) != RefreshTokenLen || !strings.HasPrefix(text, PrefixRefreshToken) {
		return RefreshToken{}, ErrRefreshToken
	}
	split := len(text) - checksumLen
	if text[split:] != checksum(text[:split]) {
		return RefreshToken{}, ErrRefreshToken
	}
	var raw [refreshBodyLen + refreshTagLen]byte
	n, err := base64.RawURLEncoding.Decode(raw[:], []byte(text[len(PrefixRefreshToken):split]))
	if err != nil || n != len(raw) {
		return RefreshToken{}, ErrRefreshToken
	}
	if !k.tagged([refreshBodyLen]byte(raw[:]), raw[refreshBodyLen:]) {
		return RefreshToken{}, ErrRefreshToken
	}
	t := RefreshToken{
		Family:     hex.EncodeToString(raw[:familyIDLen]),
		Generation: int64(binary.BigEndian.Uint32(raw[familyIDLen:])),
	}
	copy(t.secret[:], raw[familyIDLen+4:])
	if t.Generation == 0 {
		return RefreshToken{}, ErrRefreshToken
	}
	return t, nil
}

// Equal tells whether both are the same token, in constant time as far as the
// secret goes.
func (t RefreshToken) Equal(other RefreshToken) bool {
	return hmac.Equal(t.secret[:], other.secret[:]) && t.Family == other.Family && t.Generation == other.Generation
}

// String names the token without its secret.
func (t RefreshToken) String() string {
	return fmt.Sprintf("refresh token %d of family %s %s", t.Generation, t.Family, redacted)
}

// GoString is String.
func (t RefreshToken) GoString() string { return t.String() }

// Format writes String for every verb.
func (t RefreshToken) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, t.String()) }

// LogValue is String.
func (t RefreshToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// MarshalText is String, so that no structured log shows the secret.
func (t RefreshToken) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

func (t RefreshToken) body() (body [refreshBodyLen]byte, err error) {
	id, ok := familyID(t.Family)
	if !ok {
		return body, errors.New("a refresh token's family is 32 lower-case hexadecimal digits")
	}
	if t.Generation < 1 || t.Generation > math.MaxUint32 {
		return body, fmt.Errorf("a refresh token's generation is 1 to %d, not %d", int64(math.MaxUint32), t.Generation)
	}
	copy(body[:], id[:])
	binary.BigEndian.PutUint32(body[familyIDLen:], uint32(t.Generation))
	copy(body[familyIDLen+4:], t.secret[:])
	return body, nil
}

func (t RefreshToken) encode(key ServerKey) (Secret, error) {
	body, err := t.body()
	if err != nil {
		return "", err
	}
	if len(key.Key) == 0 {
		return "", ErrServerKeyGone
	}
	tag := key.hmac([]byte(refreshTagLabel), body[:])
	raw := append(body[:], tag[:refreshTagLen]...)
	text := PrefixRefreshToken + base64.RawURLEncoding.EncodeToString(raw)
	return Secret(text + checksum(text)), nil
}

// tagged looks at every key, newest first: the text does not name its version,
// and there are few.
func (k ServerKeys) tagged(body [refreshBodyLen]byte, tag []byte) bool {
	for i := len(k.Keys) - 1; i >= 0; i-- {
		want := k.Keys[i].hmac([]byte(refreshTagLabel), body[:])
		if hmac.Equal(want[:refreshTagLen], tag) {
			return true
		}
	}
	return false
}

func (k ServerKeys) version(version int) (ServerKey, bool) {
	for _, key := range k.Keys {
		if key.Version == version {
			return key, true
		}
	}
	return ServerKey{}, false
}
