// Package rights answers one question: may this client have these scopes, at this
// resource, with this grant, for this user?
//
// Decide answers it, and no other code does. Authorization requests, code exchange,
// refresh, client credentials, introspection, UserInfo and the consent page call Decide;
// none of them reads policies, roles or registered scopes itself. Decide is pure: the
// policies in force, the client and the user's consent are passed in.
//
// Granted = asked ∩ registered ∩ policy ∩ the user's roles ∩ consented. Scopes of OpenID
// Connect also need a resource at which they count (policy.IdentityCounts).
//
//	decide.go   the decision, as a numbered list of steps
//	target.go   the resource of a request, and which a client may name (RFC 8707)
//	asked.go    which scopes a request asks for
//	allowed.go  which users may use a client at all
//	consent.go  reads from the store what a user consented to
//	users.go    whether a user may still sign in, and with which groups and roles
package rights
