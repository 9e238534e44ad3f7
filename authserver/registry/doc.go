// Package registry is the server's view of its registrations in memory. Every
// token is issued from it, so reading it takes no lock and never waits; every
// change goes through the store first and is in the view before the caller hears
// of it.
//
// Records carry a MAC under the server keys. One that does not verify is logged
// once, told in the inventory (digest "tampered") so that its registrar writes it
// again, and never served.
package registry
