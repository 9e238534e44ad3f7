// Package token mints and verifies access tokens, JWTs (RFC 7519) of the profile
// of RFC 9068, and ID tokens (OpenID Connect Core 1.0, Section 2).
//
// Minting is on the path of every request for a token, so it uses the standard library
// directly: a header encoded once per key, and one signature. Keys are read and written,
// and tokens verified, by go-jose.
package token
