package oauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// ChallengeS256 is the one code challenge method that the server accepts (RFC
// 7636, Section 4.2). plain is not: whoever sees the request has the verifier.
const ChallengeS256 = "S256"

// Bounds of a code verifier (RFC 7636, Section 4.1).
const (
	minVerifier = 43
	maxVerifier = 128
	// challengeLength is base64url of a SHA-256 without padding.
	challengeLength = 43
)

// ParseChallenge checks code_challenge and code_challenge_method of an
// authorization request (RFC 7636, Section 4.3) and returns the challenge. Both
// empty: the request has none, which is the caller's to refuse, and the challenge
// is empty. A challenge without a method means plain (ibid.) and is refused as
// that. The error is an invalid_request (RFC 7636, Section 4.4.1).
func ParseChallenge(challenge, method string) (string, error) {
	switch {
	case challenge == "" && method == "":
		return "", nil
	case challenge == "":
		return "", InvalidRequest("code_challenge_method is there, but code_challenge is missing")
	case method != ChallengeS256:
		return "", InvalidRequest("code_challenge_method must be %s; left out it means plain, which is not supported (RFC 7636, Section 4.3)", ChallengeS256)
	case !validChallenge(challenge):
		return "", InvalidRequest("code_challenge must be a SHA-256 in base64url without padding: %d characters (RFC 7636, Section 4.2)", challengeLength)
	}
	return challenge, nil
}

// validChallenge takes only the encoding that VerifyS256 makes: of the bits in
// the last character that carry nothing none may be set.
func validChallenge(challenge string) bool {
	if len(challenge) != challengeLength {
		return false
	}
	// Strict refuses those bits; line breaks it skips, but then the hash is short.
	hash, err := base64.RawURLEncoding.Strict().DecodeString(challenge)
	return err == nil && len(hash) == sha256.Size
}

// ValidVerifier reports whether s is a code verifier: 43 to 128 unreserved
// characters (RFC 7636, Section 4.1).
func ValidVerifier(s string) bool {
	return len(s) >= minVerifier && unreserved(s, maxVerifier)
}

// VerifyS256 reports whether a code verifier belongs to a challenge (RFC 7636,
// Section 4.6). It compares in constant time. Neither may be empty.
func VerifyS256(verifier, challenge string) bool {
	if !ValidVerifier(verifier) || !validChallenge(challenge) {
		return false
	}
	hash := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(hash[:])
	return subtle.ConstantTimeCompare([]byte(computed), []byte(challenge)) == 1
}

// CheckVerifier holds the code_verifier of a token request against the challenge
// of the authorization request that the code comes from; either may be empty.
// Whoever sent a challenge must send its verifier (RFC 7636, Section 4.6), and
// nobody may send a verifier without a challenge: somebody may have taken the
// challenge out of the request on its way (RFC 9700, Section 2.1.1). The error is
// an invalid_grant.
func CheckVerifier(verifier, challenge string) error {
	switch {
	case challenge == "" && verifier == "":
		return nil
	case challenge == "":
		return InvalidGrant("code_verifier is there, but the authorization request had no code_challenge")
	case verifier == "":
		return InvalidGrant("code_verifier is missing: the authorization request had a code_challenge")
	case !ValidVerifier(verifier):
		return InvalidGrant("code_verifier must be %d to %d of the characters A-Z a-z 0-9 - . _ ~ (RFC 7636, Section 4.1)", minVerifier, maxVerifier)
	case !VerifyS256(verifier, challenge):
		return InvalidGrant("code_verifier does not belong to the code_challenge")
	}
	return nil
}
