// Package sealed keeps whoever can write to the database, and has no server keys,
// from planting what people did: sessions, authorization codes, refresh token
// families and consents carry a MAC (RFC 2104, HMAC-SHA-256) under the server keys,
// as registrations do (package registry). Package store tells what that is good for,
// and what it cannot keep anybody from.
//
// A row whose MAC does not verify is as if it were not there, and is told in the log.
package sealed
