// Package rights answers one question: may this client have these scopes, at this
// resource, with this grant, for this user?
//
// Decide is the whole answer, and the only one. Authorization requests, code
// exchange, refresh, client credentials, introspection, UserInfo and the consent page
// ask it; none of them looks at a policy, a role or a registered scope by itself. It is
// pure: the policies in force, the client and what the user consented to are passed in.
//
// Granted = asked ∩ registered ∩ policy ∩ the user's roles ∩ consented, and then the
// scopes of OpenID Connect only where they count (policy.DecideIdentity).
//
//	decide.go   the decision, as a numbered list of steps
//	target.go   which resource a request means, and which a client may name (RFC 8707)
//	asked.go    which scopes a request means
//	consent.go  reads from the store what a user consented to
//	users.go    what the server knows of users between two sign-ins
package rights
