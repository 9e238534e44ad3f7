// Package clientauth finds out which client is calling: one file per method.
//
// What was presented is read first (Read), from the Authorization header and the
// form, without looking at any client; then it is held against the registered
// client (Verifier). An unknown client, a wrong secret, a method that the client
// did not register and a disabled client look the same from outside and take
// the same work. Whether the registrations in memory are up to date is not asked
// here: package endpoint asks it for everybody who is refused.
package clientauth
