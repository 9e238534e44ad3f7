package signin

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// SourceLocal is the name of the source of the users in the local users document; those of
// an upstream provider have the provider's name.
const SourceLocal = "local"

// The forms of a `sub`. A client id is made of A-Z a-z 0-9 . _ ~ - only, so no
// client, whose access tokens have its id as `sub` (RFC 9068, Section 2.2), can
// pass for a person. Local ids have no colon either, so the two forms of a
// person's differ too.
const (
	subjectPrefix  = "user:"
	upstreamPrefix = "user:oidc:"
)

// User is a person who has proved who they are.
type User struct {
	// Subject is the `sub` of their tokens: LocalSubject or UpstreamSubject.
	Subject string
	// Source is called SourceLocal, or what the upstream provider is called.
	Source store.Source
	// Username is what they sign in with, Name what people call them.
	Username, Name, Email string
	EmailVerified         bool
	Roles, Groups         []string
	// Tenant they belong to; empty: none.
	Tenant string
	// AuthTime is when they did (OpenID Connect Core, Section 2), here or at the
	// provider. Zero: the provider does not say.
	AuthTime time.Time
}

// LocalSubject is the `sub` of a local user: "user:" and the id that the
// document gives them.
func LocalSubject(id string) string { return subjectPrefix + id }

// UpstreamSubject is the `sub` of somebody who signed in at an OpenID provider:
// "user:oidc:" and the base64url SHA-256 of issuer and subject. It depends on
// nothing of ours, so it outlives our database, our keys, and the name that the
// provider has in our settings. It is at most 255 ASCII characters, as OpenID
// Connect Core, Section 2 wants it.
func UpstreamSubject(issuer, subject string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + subject))
	return upstreamPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

// IsUser tells whether a `sub` is a person's.
func IsUser(subject string) bool { return strings.HasPrefix(subject, subjectPrefix) }

// ValidSubject tells whether a `sub` has one of the two forms.
func ValidSubject(subject string) bool {
	id, ok := strings.CutPrefix(subject, subjectPrefix)
	return ok && validID(strings.TrimPrefix(id, strings.TrimPrefix(upstreamPrefix, subjectPrefix)))
}

// isLocal tells whether a `sub` has the form of a local user's.
func isLocal(subject string) bool {
	id, ok := strings.CutPrefix(subject, subjectPrefix)
	return ok && !strings.Contains(id, ":")
}
