package credential

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"strings"
)

// Prefixes of generated secrets: they tell scanners, and people, what they found.
const (
	// PrefixClientSecret begins every generated client secret.
	PrefixClientSecret = "cls_"
	// PrefixRegistrationToken begins every registration access token (RFC 7592,
	// Section 3).
	PrefixRegistrationToken = "clr_"
)

// alphabet is base62: what RFC 6749, Section 2.3.1 percent-encodes and what it
// does not then read the same, whichever way a client understood that section.
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const (
	randomLen   = 43 // characters; 43 * log2(62) > 256 bits
	checksumLen = 6  // characters; 62^6 > 2^32
)

const redacted = "[redacted]"

// Secret is a secret in plain text. However it is printed, logged or marshalled
// it shows as "[redacted]"; Reveal gives the text.
//
// One gap is fmt's: it cannot call the methods of unexported struct fields, so
// a struct that keeps a Secret in one redacts itself.
type Secret string

// Reveal returns the text of the secret.
func (s Secret) Reveal() string { return string(s) }

// String returns "[redacted]".
func (Secret) String() string { return redacted }

// GoString returns "[redacted]".
func (Secret) GoString() string { return redacted }

// Format writes "[redacted]" for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns "[redacted]".
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns "[redacted]": a log handler marshals what is nested in a
// structure to JSON and never asks for its LogValue.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// NewClientSecret makes a client secret: "cls_", 43 random characters, and a
// checksum of 6.
func NewClientSecret() Secret { return newSecret(PrefixClientSecret) }

// NewRegistrationToken makes a registration access token: "clr_", 43 random
// characters, and a checksum of 6.
func NewRegistrationToken() Secret { return newSecret(PrefixRegistrationToken) }

// NewID makes an identifier that nobody can guess (jti, replica and store ids):
// 26 characters of A-Z and 2-7 with at least 128 random bits. It is not a secret.
func NewID() string { return rand.Text() }

// LooksSecret tells whether s begins like a secret that is made here: somebody may have
// pasted one into the field of a client id, and it must not be logged as such.
func LooksSecret(s string) bool {
	for _, prefix := range []string{PrefixClientSecret, PrefixRegistrationToken, PrefixCode, PrefixRefreshToken, PrefixSession, PrefixPushedRequest} {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// ValidFormat tells whether s has the form of a generated secret with this
// prefix, its checksum included. It says nothing about the secret being valid.
func ValidFormat(s, prefix string) bool {
	body, ok := strings.CutPrefix(s, prefix)
	if !ok || len(body) != randomLen+checksumLen {
		return false
	}
	for i := range len(body) {
		if strings.IndexByte(alphabet, body[i]) < 0 {
			return false
		}
	}
	split := len(s) - checksumLen
	return s[split:] == checksum(s[:split])
}

// Hash returns the lower-case hexadecimal SHA-256 of s: the form in which the
// operator tells the server of a secret.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func newSecret(prefix string) Secret {
	text := prefix + randomText(randomLen)
	return Secret(text + checksum(text))
}

// randomText returns n characters drawn evenly from the alphabet. A byte beyond
// the last full multiple of 62 is thrown away, for it would favour the first
// characters.
func randomText(n int) string {
	const limit = 256 - 256%len(alphabet)
	out := make([]byte, 0, n)
	var pool [64]byte
	for len(out) < n {
		_, _ = rand.Read(pool[:]) // never fails: crypto/rand ends the process instead
		for _, b := range pool {
			if int(b) < limit && len(out) < n {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	clear(pool[:])
	return string(out)
}

// checksum is the CRC-32 (IEEE) of s in base62, most significant digit first.
func checksum(s string) string {
	var out [checksumLen]byte
	sum := crc32.ChecksumIEEE([]byte(s))
	for i := checksumLen - 1; i >= 0; i-- {
		out[i] = alphabet[sum%uint32(len(alphabet))]
		sum /= uint32(len(alphabet))
	}
	return string(out[:])
}
