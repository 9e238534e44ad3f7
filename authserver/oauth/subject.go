package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// The `sub` of a user begins with userPrefix. That of a client that acts for itself is its
// client id (RFC 9068, Section 2.2), which has no slash (ValidClientID), so that no client
// passes for a user (RFC 9068, Section 5). A `sub` of either kind can be the user name of
// HTTP Basic credentials: it has no colon (RFC 7617, Section 2), and apps do put it there.
const (
	userPrefix     = "user/"
	upstreamPrefix = userPrefix + "oidc/"
)

// MaxUserIDLength is how many bytes the id of a local user may have.
const MaxUserIDLength = 128

// SubjectForms says what the `sub` of a user looks like.
const SubjectForms = "user/ID for a local user, user/oidc/HASH for a user of a provider"

// LocalSubject is the `sub` of the local user with an id (ValidUserID).
func LocalSubject(id string) string { return userPrefix + id }

// UpstreamSubject is the `sub` of a user of an OpenID provider. It has a hash of issuer and
// subject, and nothing of ours: it outlives our database, our keys, and the provider's name
// in our settings. It has at most 255 ASCII characters (OpenID Connect Core 1.0, Section 2).
func UpstreamSubject(issuer, subject string) string {
	sum := sha256.Sum256([]byte(issuer + "\x00" + subject))
	return upstreamPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

// IsUser reports whether a `sub` is a user's, and not a client's.
func IsUser(subject string) bool { return strings.HasPrefix(subject, userPrefix) }

// IsLocalUser reports whether a `sub` is that of a local user: ids have no slash.
func IsLocalUser(subject string) bool {
	id, user := strings.CutPrefix(subject, userPrefix)
	return user && !strings.Contains(id, "/")
}

// ValidSubject reports whether a `sub` can be a user's.
func ValidSubject(subject string) bool {
	id, user := strings.CutPrefix(subject, userPrefix)
	return user && ValidUserID(strings.TrimPrefix(id, strings.TrimPrefix(upstreamPrefix, userPrefix)))
}

// ValidUserID reports whether a local user can have an id: 1 to MaxUserIDLength of the
// characters A-Z a-z 0-9 . _ ~ -, but no dot segment, which could not stand in the path of a
// URL (RFC 3986, Section 5.2.4).
func ValidUserID(id string) bool {
	return unreserved(id, MaxUserIDLength) && id != "." && id != ".."
}
