// Package token mints and verifies access tokens, JWTs (RFC 7519) of the profile
// of RFC 9068, and ID tokens (OpenID Connect Core 1.0, Section 2).
//
// Minting is on the path of every request for a token, so it goes straight to
// the standard library: a header encoded once per key, claims appended by hand,
// one signature. Keys are read and written, and tokens verified, by go-jose.
package token
