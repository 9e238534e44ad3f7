// Package grant says what each grant type gives an authenticated client: one
// file per grant. It knows no HTTP and mints nothing.
//
// The token endpoint (endpoint/token.go) is a pipeline, and a grant fills one
// step of it; it cannot forget client authentication, the check that the client
// registered the grant type, or the rules for resource and scope, for these
// steps are not its own.
package grant
