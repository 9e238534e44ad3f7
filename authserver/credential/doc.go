// Package credential makes, hashes and compares the opaque secrets of this
// product: client secrets, registration access tokens, identifiers.
//
// A generated secret has 256 random bits, so a fast hash is enough: it travels
// between operator and server as the SHA-256 of its text ([Hash]) and is stored
// as an HMAC of that under a versioned server key ([ServerKeys.Seal]). Slow
// hashes are for passwords that people choose, and there are none here.
//
// Types that hold a secret redact themselves wherever they are printed, logged
// or marshalled; [Secret.Reveal] and [ServerKeys.Marshal] are the only ways out.
package credential
