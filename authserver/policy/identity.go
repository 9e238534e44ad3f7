package policy

import "clientele.dev/clientele/authserver/oauth"

// DecideIdentity reports whether a grant type can give a scope of OpenID Connect
// (oauth.IdentityScopes). The scope is about a user, so only a user's grant can.
// IdentityCounts reports at which resources it counts.
func DecideIdentity(grant oauth.GrantType) Decision {
	if grant.ForUsers() {
		return Decision{Granted: true, Reason: BuiltIn}
	}
	return Decision{Reason: NotForClients}
}

// IdentityCounts reports whether scopes of OpenID Connect count at a resource: at the
// issuer, which is where they are used (UserInfo), and beside a granted scope of the
// resource's API. Elsewhere they would give a token whose audience is an API, although no
// ScopePolicy grants the client a scope of this API (RFC 9068, Section 3).
func IdentityCounts(resource, issuer string, besideScopeOfAPI bool) bool {
	return resource == issuer || besideScopeOfAPI
}
