// Package authorize is the authorization request (RFC 6749, Section 4.1.1; OpenID
// Connect Core 1.0, Section 3.1.2), from its parameters to its answer. It knows
// no HTTP and no page: endpoint/authorize.go and endpoint/continue.go call it.
//
//	check.go      the checks of a request, as one list in their order
//	errors.go     the kinds of error: shown to the user, brought to the client, or
//	              offered to the user to bring there
//	answer.go     what goes back to the client: code or error, state, iss
//	prt.go        the pending request, sealed, bound to a browser
//	interact.go   is the user to sign in, or to consent, or is all there?
//	code.go       the authorization code
//	par.go        pushed requests (RFC 9126)
//
// Until the client and its redirect URI are known to be good, only *Shown can be
// returned: nothing that a stranger wrote decides where a browser is sent. And where
// a stranger registered the client, *Offered: its user decides.
package authorize
