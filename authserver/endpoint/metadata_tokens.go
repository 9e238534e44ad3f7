package endpoint

import (
	"slices"

	"clientele.dev/clientele/authserver/oauth"
)

// tokenMetadata is the part of the metadata that is about tokens which exist.
func (v *View) tokenMetadata(m *oauth.ServerMetadata) {
	m.RevocationEndpoint = v.base + pathRevoke
	m.RevocationEndpointAuthMethodsSupported = oauth.SupportedAuthMethods()
	m.IntrospectionEndpoint = v.base + pathIntrospect
	m.IntrospectionEndpointAuthMethodsSupported = secretMethods()
	m.UserinfoEndpoint = v.base + pathUserinfo
	m.EndSessionEndpoint = v.base + pathLogout
	m.ClaimTypesSupported = []string{"normal"}
	m.ClaimsSupported = []string{
		"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid", "at_hash",
		"name", "preferred_username", "email", "email_verified",
	}
}

// secretMethods are those by which a client really authenticates.
func secretMethods() []oauth.AuthMethod {
	return slices.DeleteFunc(oauth.SupportedAuthMethods(), func(m oauth.AuthMethod) bool { return !m.UsesSecret() })
}

// described is a metadata document and what it was made of.
type described struct {
	view     *View
	policies int64
	document document
}

// describe returns the metadata with the scopes that a client which registers
// itself may ask for: the policies in force say which, so the document changes
// with them and not only with the view.
func (s *Server) describe(v *View) document {
	if !v.users {
		return v.metadata
	}
	revision := s.Registry.PolicyRevision()
	if d := s.described.Load(); d != nil && d.view == v && d.policies == revision {
		return d.document
	}
	scopes := append(oauth.IdentityScopes(), s.Registry.Policies().DynamicScopes("")...)
	made, err := newMetadata(v, scopes...)
	if err != nil {
		return v.metadata
	}
	s.described.Store(&described{view: v, policies: revision, document: made})
	return made
}
