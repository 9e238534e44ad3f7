package endpoint

import (
	"slices"

	"clientele.dev/clientele/authserver/oauth"
)

// tokenMetadata is the part of the metadata that is about tokens, whoever they are
// for.
func (v *View) tokenMetadata(m *oauth.ServerMetadata) {
	methods := v.authMethods()
	m.TokenEndpoint = v.base + pathToken
	m.TokenEndpointAuthMethodsSupported = methods
	m.GrantTypesSupported = v.grantTypes()
	m.RevocationEndpoint = v.base + pathRevoke
	m.RevocationEndpointAuthMethodsSupported = methods
	m.IntrospectionEndpoint = v.base + pathIntrospect
	m.IntrospectionEndpointAuthMethodsSupported = secretMethods()
}

// identityMetadata is the part that is about who somebody is.
func (v *View) identityMetadata(m *oauth.ServerMetadata) {
	m.UserinfoEndpoint = v.base + pathUserinfo
	m.EndSessionEndpoint = v.base + pathLogout
	m.ClaimTypesSupported = []string{"normal"}
	m.ClaimsSupported = []string{
		"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid", "at_hash",
		"name", "preferred_username", "groups", "roles", "email", "email_verified",
	}
}

// grants says whether the server gives tokens by a grant type.
func (v *View) grants(g oauth.GrantType) bool { return v.Settings.Users || !g.ForUsers() }

func (v *View) grantTypes() []oauth.GrantType {
	return slices.DeleteFunc(oauth.SupportedGrantTypes(), func(g oauth.GrantType) bool { return !v.grants(g) })
}

// authMethods leaves public clients out where nobody signs in: they act for people
// only.
func (v *View) authMethods() []oauth.AuthMethod {
	if v.Settings.Users {
		return oauth.SupportedAuthMethods()
	}
	return secretMethods()
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
	if !v.Settings.Users {
		return v.metadata
	}
	revision := s.Registry.PolicyRevision()
	if d := s.described.Load(); d != nil && d.view == v && d.policies == revision {
		return d.document
	}
	scopes := append(oauth.IdentityScopes(), s.Registry.Policies().SelfRegisteredScopes("")...)
	made, err := newMetadata(v, scopes...)
	if err != nil {
		return v.metadata
	}
	s.described.Store(&described{view: v, policies: revision, document: made})
	return made
}
