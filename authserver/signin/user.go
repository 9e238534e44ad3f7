package signin

import (
	"time"

	"clientele.dev/clientele/authserver/store"
)

// SourceLocal is the name of the source of the users in the local users document; those of
// an upstream provider have the provider's name.
const SourceLocal = "local"

// User is a person who has proved who they are.
type User struct {
	// Subject is the `sub` of their tokens: oauth.LocalSubject or oauth.UpstreamSubject.
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
