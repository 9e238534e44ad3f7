// Package credential makes, hashes and compares the opaque secrets of this
// product: client secrets, registration access tokens, codes, refresh tokens,
// session cookies, identifiers; and it seals what travels through a browser.
//
// A generated secret has 256 random bits, so a fast hash is enough: it travels
// between operator and server as the SHA-256 of its text ([Hash]) and is stored
// as an HMAC of that under a versioned server key ([ServerKeys.Seal]). Slow
// hashes are for passwords that people choose, and there are none here.
//
// A refresh token ([RefreshToken]) names its family and generation, with a tag
// that tells a real one from garbage; its successor is derived from it, so that a
// retry gets the same. What a visitor carries for the server lies in an encrypted
// box ([ServerKeys.SealBox]).
//
// Types that hold a secret redact themselves wherever they are printed, logged
// or marshalled; [Secret.Reveal] and [ServerKeys.Marshal] are the only ways out.
package credential
