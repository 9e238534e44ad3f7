package oauth

import "slices"

// GrantType names a way to get a token (RFC 7591, Section 2, grant_types).
type GrantType string

// The grant types.
const (
	// GrantClientCredentials is the grant of RFC 6749, Section 4.4.
	GrantClientCredentials GrantType = "client_credentials"
	// GrantAuthorizationCode is the grant of RFC 6749, Section 4.1. It is what an
	// absent grant_types means (RFC 7591, Section 2); the server does not offer
	// it yet.
	GrantAuthorizationCode GrantType = "authorization_code"
)

// Supported reports whether the server offers the grant type. What it does not
// offer is neither advertised nor accepted in a registration.
func (g GrantType) Supported() bool {
	return slices.Contains(SupportedGrantTypes(), g)
}

// SupportedGrantTypes lists what Supported accepts, for the metadata.
func SupportedGrantTypes() []GrantType {
	return []GrantType{GrantClientCredentials}
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
	return []AuthMethod{AuthClientSecretBasic, AuthClientSecretPost}
}
