package registry

import (
	"slices"
	"sync"

	"clientele.dev/clientele/authserver/oauth"
)

// origins counts the clients that pages of an origin may call for (CORS). A
// preflight names no client, so that all must be asked; it is anybody's to send,
// so that asking must be cheap.
type origins struct {
	mu      sync.RWMutex
	clients map[string]int
}

// AllowsOrigin reports whether pages of an origin may call the endpoints of
// browser-only apps for any client; see oauth.Registration.AllowsOrigin.
func (r *Registry) AllowsOrigin(origin string) bool {
	r.origins.mu.RLock()
	defer r.origins.mu.RUnlock()
	return r.origins.clients[origin] > 0
}

func (o *origins) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.clients = map[string]int{}
}

func (o *origins) add(c *Client, n int) {
	of := originsOf(c.Registration)
	if len(of) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, origin := range of {
		if o.clients[origin] += n; o.clients[origin] <= 0 {
			delete(o.clients, origin)
		}
	}
}

// originsOf lists the origins that a registration allows, each once.
func originsOf(r oauth.Registration) []string {
	candidates := slices.Clone(r.Origins)
	if len(candidates) == 0 {
		for _, s := range r.RedirectURIs {
			if uri, err := oauth.ParseRedirectURI(s); err == nil {
				candidates = append(candidates, uri.Origin())
			}
		}
	}
	slices.Sort(candidates)
	candidates = slices.Compact(candidates)
	return slices.DeleteFunc(candidates, func(origin string) bool { return !r.AllowsOrigin(origin) })
}
