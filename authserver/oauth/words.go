package oauth

import "slices"

// GrantType names a way to get a token (RFC 7591, Section 2, grant_types).
type GrantType string

// The grant types.
const (
	// GrantClientCredentials is the grant of RFC 6749, Section 4.4.
	GrantClientCredentials GrantType = "client_credentials"
	// GrantAuthorizationCode is the grant of RFC 6749, Section 4.1. It is what an
	// absent grant_types means (RFC 7591, Section 2).
	GrantAuthorizationCode GrantType = "authorization_code"
	// GrantRefreshToken is the grant of RFC 6749, Section 6. It continues what
	// the authorization code grant began.
	GrantRefreshToken GrantType = "refresh_token"
)

// Supported reports whether the server offers the grant type. What it does not
// offer is neither advertised nor accepted in a registration.
func (g GrantType) Supported() bool {
	return slices.Contains(SupportedGrantTypes(), g)
}

// ForUsers reports whether the grant's tokens are for a user, and not for the
// client itself.
func (g GrantType) ForUsers() bool {
	return g == GrantAuthorizationCode || g == GrantRefreshToken
}

// SupportedGrantTypes lists what Supported accepts, for the metadata.
func SupportedGrantTypes() []GrantType {
	return []GrantType{GrantAuthorizationCode, GrantRefreshToken, GrantClientCredentials}
}

// AuthMethod names a way for a client to authenticate at the token endpoint
// (RFC 7591, Section 2, token_endpoint_auth_method).
type AuthMethod string

// The authentication methods.
const (
	// AuthClientSecretBasic is HTTP Basic (RFC 6749, Section 2.3.1). It is what
	// an absent token_endpoint_auth_method means (RFC 7591, Section 2).
	AuthClientSecretBasic AuthMethod = "client_secret_basic"
	// AuthClientSecretPost is credentials in the request body (RFC 6749, Section
	// 2.3.1).
	AuthClientSecretPost AuthMethod = "client_secret_post"
	// AuthNone is a public client (RFC 6749, Section 2.1): it cannot keep a
	// secret, says only its client_id, and proves by PKCE that a code is its own.
	AuthNone AuthMethod = "none"
)

// Supported reports whether the server accepts the method.
func (m AuthMethod) Supported() bool {
	return slices.Contains(SupportedAuthMethods(), m)
}

// UsesSecret reports whether a client with this method holds a client secret.
func (m AuthMethod) UsesSecret() bool {
	return m == AuthClientSecretBasic || m == AuthClientSecretPost
}

// SupportedAuthMethods lists what Supported accepts, for the metadata.
func SupportedAuthMethods() []AuthMethod {
	return []AuthMethod{AuthClientSecretBasic, AuthClientSecretPost, AuthNone}
}

// ApplicationType is what kind of program a client is (OpenID Connect Dynamic
// Client Registration 1.0, Section 2). It is told, and nothing is decided by it:
// what a redirect URI permits depends on the URI.
type ApplicationType string

// The application types.
const (
	// ApplicationWeb runs on a server or in a page.
	ApplicationWeb ApplicationType = "web"
	// ApplicationNative is installed on the user's device.
	ApplicationNative ApplicationType = "native"
)

// The scopes that are about the user, not about an API (OpenID Connect Core 1.0,
// Sections 3.1.2.1, 5.4 and 11). The server itself offers them; no policy has to
// declare them.
const (
	ScopeOpenID        = "openid"
	ScopeProfile       = "profile"
	ScopeEmail         = "email"
	ScopeOfflineAccess = "offline_access"
)

// IdentityScopes lists the scopes of OpenID Connect that the server offers, for
// the metadata.
func IdentityScopes() []string {
	return []string{ScopeOpenID, ScopeProfile, ScopeEmail, ScopeOfflineAccess}
}

// IdentityScope reports whether a scope is among IdentityScopes. It allocates
// nothing.
func IdentityScope(scope string) bool {
	switch scope {
	case ScopeOpenID, ScopeProfile, ScopeEmail, ScopeOfflineAccess:
		return true
	}
	return false
}
