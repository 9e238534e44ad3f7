package endpoint

import (
	"net/http"

	"clientele.dev/clientele/authserver/registry"
)

// cors says which pages of other origins may call a route (Fetch Standard,
// Section 3.2). Cookies are never let through: nothing that a page of another
// origin can call goes by them.
type cors int

const (
	// corsNone: pages of no other origin.
	corsNone cors = iota
	// corsAny: of any, for what is public.
	corsAny
	// corsClients: of the origins that clients registered
	// (oauth.Registration.AllowsOrigin).
	corsClients
	// corsOpen: of any, while anybody may register (RegistrationOpen): apps that
	// run in a browser, MCP clients among them, register from their page.
	//
	// What a page gains: it can have the browsers of its visitors register, from
	// their addresses and at servers that only their networks reach. What comes of
	// that is what Open allows anybody: a public client that is nobody's until a
	// person consents to it on a page that names its host first, within the limits
	// of the visitor's address and of all (PerMinute, MaxClients), gone after
	// UnusedFor. Where a network is meant to keep strangers from registering,
	// Open is the wrong mode, with or without pages. Reading, changing and deleting
	// take the registration access token, which only whoever registered has;
	// nothing here goes by cookies. A registrar's token is no page's, and Kubernetes
	// tokens are not: with RegistrationAuthenticated pages are not let in.
	corsOpen
)

const (
	// corsHeaders may be sent: what OAuth needs, and what MCP clients send along
	// with everything.
	corsHeaders = "Authorization, Content-Type, MCP-Protocol-Version"
	// corsExposed may be read by the page.
	corsExposed = "WWW-Authenticate, Retry-After"
	// corsMaxAge is how long a preflight's answer may be kept, in seconds.
	corsMaxAge = "600"
)

// crossOrigin sets what the browser must know to let a page of another origin
// read the answer. done: it was a preflight, and is answered.
func (s *Server) crossOrigin(x *exchange) (status int, done bool) {
	if x.route.cors == corsNone {
		return 0, false
	}
	header, origin := x.w.Header(), x.r.Header["Origin"]
	allowed := "*"
	switch x.route.cors {
	case corsOpen:
		if x.view == nil || x.view.Settings.Registration.Mode != RegistrationOpen {
			return 0, false
		}
	case corsClients:
		header.Add("Vary", "Origin")
		if len(origin) != 1 || !s.Registry.AllowsOrigin(origin[0]) {
			return 0, false
		}
		allowed = origin[0]
	}
	header.Set("Access-Control-Allow-Origin", allowed)
	if x.r.Method != http.MethodOptions || len(origin) != 1 || x.r.Header.Get("Access-Control-Request-Method") == "" {
		header.Set("Access-Control-Expose-Headers", corsExposed)
		return 0, false
	}
	header.Set("Access-Control-Allow-Methods", x.route.allow())
	header.Set("Access-Control-Allow-Headers", corsHeaders)
	header.Set("Access-Control-Max-Age", corsMaxAge)
	return noContent(x), true
}

// narrowOrigin takes the permission back where the client that the request is
// about did not register the page's origin: a preflight names no client, so that
// it can only be asked whether any did.
func narrowOrigin(x *exchange, c *registry.Client) {
	if x.route.cors != corsClients || c == nil {
		return
	}
	if origin := x.r.Header["Origin"]; len(origin) == 1 && !c.AllowsOrigin(origin[0]) {
		x.w.Header().Del("Access-Control-Allow-Origin")
	}
}
