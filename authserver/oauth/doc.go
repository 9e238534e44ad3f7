// Package oauth holds the words and the pure rules of OAuth: grant types,
// authentication methods, errors, scopes, resource identifiers, metadata, and
// what a client may look like. It uses the standard library only, knows neither
// HTTP nor storage nor Kubernetes, and is shared by the controllers and the
// authorization server, so that both mean the same by "valid".
//
//	words.go         grant types and authentication methods (RFC 7591, Section 2)
//	errors.go        protocol errors (RFC 6749, 6750, 7591, 8707)
//	scope.go         scope lists (RFC 6749, Section 3.3)
//	resource.go      resource identifiers (RFC 8707, Section 2)
//	metadata.go      server metadata (RFC 8414, OpenID Connect Discovery)
//	registration.go  a client on the wire (RFC 7591, 7592) and the inventory
//	client.go        the validator of a registration; client_managed.go its registrar-only part
//	digest.go        normal form and digest of a registration
//	labels.go        Kubernetes' grammar of names and labels, which policies select by
//
// Redirect URIs, PKCE and response types come with the authorization code grant:
// each is a file of its own beside these, one check more in the list of
// Registration.Validate, and one constant more in words.go.
package oauth
