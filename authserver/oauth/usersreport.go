package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// UsersReport is what the server says about the people who may sign in, in the
// answer of GET /registrar/v1/changes: it alone reads the Secrets they are in. A
// request that names the digest of another report than the present one, in its
// parameter `users`, is answered at once; see NoUsersReport.
type UsersReport struct {
	// Digest identifies the report. It is opaque.
	Digest string `json:"digest"`
	// Generation of the AuthorizationServer that the report is about.
	Generation int64 `json:"generation"`
	// Problems say why not everybody can sign in who should; none: all can.
	Problems []UsersProblem `json:"problems,omitempty"`
}

// NoUsersReport is the parameter `users` of a registrar that has no report yet.
const NoUsersReport = "none"

// UsersProblem is one reason why somebody cannot sign in. It holds no secret and
// tells of no person.
type UsersProblem struct {
	Reason UsersReason `json:"reason"`
	// Provider is the name of the upstream provider that it is about; empty: the
	// local users.
	Provider string `json:"provider,omitempty"`
	// Detail is for people.
	Detail string `json:"detail"`
	// Kept says that what was read before is still in force.
	Kept bool `json:"kept,omitempty"`
}

// UsersReason says what kind of problem it is.
type UsersReason string

// The reasons.
const (
	// UsersPending: it is not known yet, as the API server has not told.
	UsersPending UsersReason = "pending"
	// UsersSecretMissing: there is no such Secret.
	UsersSecretMissing UsersReason = "secret_missing"
	// UsersSecretForbidden: the server may not read it.
	UsersSecretForbidden UsersReason = "secret_forbidden"
	// UsersSecretInvalid: it lacks the key, or what is in it is of no use.
	UsersSecretInvalid UsersReason = "secret_invalid"
	// UsersProviderInvalid: what is said of an upstream provider is of no use.
	UsersProviderInvalid UsersReason = "provider_invalid"
)

// NewUsersReport makes a report. Equal ones have equal digests.
func NewUsersReport(generation int64, problems []UsersProblem) *UsersReport {
	r := &UsersReport{Generation: generation, Problems: problems}
	body, err := json.Marshal(r)
	if err != nil {
		return r // not reached: these are strings and numbers
	}
	sum := sha256.Sum256(body)
	r.Digest = base64.RawURLEncoding.EncodeToString(sum[:12])
	return r
}
