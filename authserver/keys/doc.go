// Package keys holds an authorization server's signing keys: the key set as it
// lies in a Secret, the public JWK Set made of it (RFC 7517), and the schedule by
// which keys are rotated.
//
// A key is Published (in the JWK Set, never used), then Active (signs), then
// Retiring (verifies only), then gone and dead: its kid goes onto a list and is
// never used again. Every phase is in the JWK Set, and one key per algorithm is
// Published at any time, so that a rotation, also an emergency one, shows no
// verifier an unknown kid.
//
// What makes that true is [Plan]; it is a pure function of the set, the
// configuration, the time and what was observed of the replicas.
package keys
