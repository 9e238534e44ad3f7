package endpoint

import (
	"net/http"
	"strings"
)

// cors says which pages of other origins may call a route and read its answers
// (Fetch Standard, Section 3.2).
//
// Pages of any origin may call a route that never looks at a cookie. Such a route
// knows no ambient authority: what a request may do is decided by what the page put
// into it (a code with its verifier, a refresh token, a client secret, an access
// token), and a page that holds that may use it from any other program as well. What
// a browser adds by itself (cookies, remembered passwords, TLS client certificates)
// stays out: `*` never counts for a request with credentials (Fetch Standard, Section
// 3.2.5), and Access-Control-Allow-Credentials is never sent. A list of origins would
// stop no attacker and keep browser-only apps out (OAuth 2.0 for Browser-Based Apps).
//
// Routes of pages look at cookies, so they allow no other origin. Neither do those of
// registrars, whose tokens belong in no browser.
type cors int

const (
	// corsNone: pages of no other origin.
	corsNone cors = iota
	// corsAny: pages of any origin.
	corsAny
	// corsOpen: pages of any origin while anybody may register (RegistrationOpen):
	// apps that run in a browser, MCP clients among them, register from their page.
	//
	// What a page gains: it can have the browsers of its visitors register, from
	// their addresses and at servers that only their networks reach. What comes of
	// that is what Open allows anybody: a public client without any right until a
	// person consents to it on a page that names its host first, within the limits
	// of the visitor's address and of all (PerMinute, MaxClients), gone after
	// UnusedFor. Where a network is meant to keep strangers from registering,
	// Open is the wrong mode, with or without pages. Reading, changing and deleting
	// take the registration access token, which only the registrant has. With
	// RegistrationAuthenticated it takes a Kubernetes token, which belongs in no
	// browser: pages are not let in.
	corsOpen
)

// Header values that all answers share: net/http only reads them.
var (
	anyOrigin = []string{"*"}
	// exposed may be read by the page.
	exposed = []string{"WWW-Authenticate, Retry-After"}
	// preflightMaxAge is how long a preflight's answer may be kept, in seconds.
	preflightMaxAge = []string{"600"}
)

// crossOrigin sets what the browser must know to let a page of another origin
// read the answer. done: it was a preflight, and is answered.
func (s *Server) crossOrigin(x *exchange) (status int, done bool) {
	if x.port == portRegistrar || !x.route.allowsOrigins(x.view) {
		return 0, false
	}
	header := x.w.Header()
	header["Access-Control-Allow-Origin"] = anyOrigin
	if !preflight(x.r) {
		header["Access-Control-Expose-Headers"] = exposed
		return 0, false
	}
	header.Set("Access-Control-Allow-Methods", x.route.allow())
	// Whatever the page sends along: tracing and MCP libraries add headers to every
	// request. A header that no handler reads does nothing.
	if asked := x.r.Header["Access-Control-Request-Headers"]; len(asked) > 0 {
		header.Set("Access-Control-Allow-Headers", strings.Join(asked, ", "))
	}
	header["Access-Control-Max-Age"] = preflightMaxAge
	return noContent(x), true
}

// allowsOrigins reports whether pages of other origins may call the route now. While
// there are no settings the only answer is a 503, which they may read.
func (r *route) allowsOrigins(v *View) bool {
	return r.cors == corsAny || r.cors == corsOpen && (v == nil || v.Settings.Registration.Mode == RegistrationOpen)
}

// preflight reports whether a browser asks beforehand (Fetch Standard, Section 3.2.2).
func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}
