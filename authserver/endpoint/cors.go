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
	if x.route.cors == corsClients {
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
