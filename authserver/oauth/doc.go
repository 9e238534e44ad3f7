// Package oauth holds the words and the pure rules of OAuth: grant types,
// authentication methods, errors, scopes, resource identifiers, metadata, and
// what a client may look like. It uses the standard library only, knows neither
// HTTP nor storage nor Kubernetes, and is shared by the controllers and the
// authorization server, so that both mean the same by "valid".
//
//	words.go         grant types, authentication methods, the scopes of OpenID Connect
//	errors.go        protocol errors (RFC 6749, 6750, 7591, 8707)
//	errors_authorize.go  those of authorization requests (RFC 6749, OpenID Connect Core)
//	scope.go         scope lists (RFC 6749, Section 3.3)
//	resource.go      resource identifiers (RFC 8707, Section 2)
//	redirecturi.go   redirect URIs (RFC 6749, 8252, 9700); redirectmatch.go compares them
//	host.go          the host and port of a URL, of which there is one spelling only
//	pkce.go          code challenge and verifier (RFC 7636)
//	response.go      response types and modes (RFC 6749, Section 3.1.1)
//	prompt.go        prompt and max_age (OpenID Connect Core 1.0, Section 3.1.2.1)
//	metadata.go      server metadata (RFC 8414, OpenID Connect Discovery)
//	registration.go  a client on the wire (RFC 7591, 7592) and the inventory
//	client.go        the validator of a registration; client_user.go what is about
//	                 users and browsers, client_managed.go the registrar-only part
//	open_registration.go  what clients that register themselves leave out, and may not have
//	digest.go        normal form and digest of a registration
//	labels.go        Kubernetes' grammar of names and labels, which policies select by
package oauth
