package policy

import "clientele.dev/clientele/authserver/oauth"

// DecideIdentity says whether a scope of OpenID Connect (oauth.IdentityScopes) may be had
// with a grant type. It is about a user, so it takes a user's grant. At which resources it
// counts is for IdentityCounts to say.
func DecideIdentity(grant oauth.GrantType) Decision {
	if grant.ForUsers() {
		return Decision{Granted: true, Reason: BuiltIn}
	}
	return Decision{Reason: NotForClients}
}

// IdentityCounts reports whether scopes of OpenID Connect count at a resource: at the
// issuer, which is where they are used (UserInfo), and beside a granted scope of the
// resource's API. At an API that granted the client nothing they would be a token with
// that API as audience, which no ScopePolicy allowed (RFC 9068, Section 3).
func IdentityCounts(resource, issuer string, besideScopeOfAPI bool) bool {
	return resource == issuer || besideScopeOfAPI
}
