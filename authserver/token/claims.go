package token

// AccessClaims are the claims of an access token (RFC 9068, Section 2.2). Empty
// strings are left out.
type AccessClaims struct {
	// Issuer is character for character the issuer of the metadata.
	Issuer string `json:"iss,omitempty"`
	// Subject is for client_credentials the client id.
	Subject string `json:"sub,omitempty"`
	// Audience is a single string: a token is for one resource.
	Audience string `json:"aud,omitempty"`
	ClientID string `json:"client_id,omitempty"`
	// Scope has the granted scopes, separated by single spaces.
	Scope string `json:"scope,omitempty"`
	JTI   string `json:"jti,omitempty"`
	// Roles (RFC 9068, Section 2.2.3.1) are those of the user's that the granted scopes
	// need.
	Roles []string `json:"roles,omitempty"`
	// Tenant is a claim of ours: the one that the user belongs to.
	Tenant string `json:"tenant,omitempty"`
	// IssuedAt and Expires are in Unix seconds.
	IssuedAt int64 `json:"iat"`
	Expires  int64 `json:"exp"`
}
