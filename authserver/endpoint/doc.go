// Package endpoint is the HTTP edge of the authorization server: one file per
// endpoint, which parses, calls, and writes.
//
// routes.go is the one table of routes and exchange.go the one wrapper around
// them: method, body limit, cache headers, counting. respond.go is the only
// place where an error code becomes a status. A handler returns the status it
// wrote, so that requests are counted without wrapping the ResponseWriter.
package endpoint
