package credential

import (
	"crypto/rand"
	"encoding/hex"
)

// Prefixes of the secrets of a flow; PrefixRefreshToken is with the refresh token.
const (
	// PrefixCode begins every authorization code (RFC 6749, Section 4.1.2).
	PrefixCode = "clc_"
	// PrefixPushedRequest begins the random part of every request_uri (RFC 9126,
	// Section 2.2).
	PrefixPushedRequest = "clp_"
	// PrefixSession begins what a session cookie holds.
	PrefixSession = "clu_"
)

// NewCode makes an authorization code: "clc_", 43 random characters, and a
// checksum of 6.
func NewCode() Secret { return newSecret(PrefixCode) }

// NewPushedRequest makes the random part of a request_uri: "clp_", 43 random
// characters, and a checksum of 6.
func NewPushedRequest() Secret { return newSecret(PrefixPushedRequest) }

// NewSessionCookie makes the value of a session cookie: "clu_", 43 random
// characters, and a checksum of 6. The session is named by a NewID beside it, so
// that a page or a log can name it without opening it.
func NewSessionCookie() Secret { return newSecret(PrefixSession) }

// familyIDLen is 128 bits.
const familyIDLen = 16 // bytes

// NewFamilyID makes the id of a refresh token family: 128 random bits as 32
// lower-case hexadecimal digits. It is not a secret; it stands in every refresh
// token and in the jti of every access token of the family.
func NewFamilyID() string {
	var id [familyIDLen]byte
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(id[:])
}

// ValidFamilyID tells whether s is written as NewFamilyID writes it.
func ValidFamilyID(s string) bool {
	_, ok := familyID(s)
	return ok
}

func familyID(s string) (id [familyIDLen]byte, ok bool) {
	if len(s) != hex.EncodedLen(familyIDLen) {
		return id, false
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return id, false
	}
	return id, hex.EncodeToString(id[:]) == s // no capitals
}
