package registry

import (
	"slices"
	"sync"

	"clientele.dev/clientele/authserver/oauth"
)

// hosts counts the declared clients that are answered at a host on the web.
type hosts struct {
	mu      sync.RWMutex
	clients map[string]int
}

// DeclaredHost reports whether a declared client has a redirect URI, or post-logout redirect
// URI, on the web at a host, whatever its port. Such a host is not for clients that anybody
// registered.
func (r *Registry) DeclaredHost(host string) bool {
	r.hosts.mu.RLock()
	defer r.hosts.mu.RUnlock()
	return r.hosts.clients[host] > 0
}

// Reserved reports whether a redirect URI, or post-logout redirect URI, of a client that
// anybody may have registered is at the host of a declared client: browsers are not sent
// there for it (RFC 6749, Section 10.2).
func (r *Registry) Reserved(c *Client, to oauth.RedirectURI) bool {
	return c.Anonymous() && to.OnTheWeb() && r.DeclaredHost(to.Host())
}

// replace counts anew.
func (h *hosts) replace(all []loadedClient) {
	clients := map[string]int{}
	for _, l := range all {
		for _, host := range declaredHosts(l.client) {
			clients[host]++
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients = clients
}

func (h *hosts) add(c *Client, n int) {
	of := declaredHosts(c)
	if len(of) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, host := range of {
		if h.clients[host] += n; h.clients[host] <= 0 {
			delete(h.clients, host)
		}
	}
}

// declaredHosts lists the hosts of a declared client: one for each URI at which it is
// answered, after signing out too.
func declaredHosts(c *Client) []string {
	if c == nil || c.Managed == nil {
		return nil
	}
	var all []string
	for _, s := range slices.Concat(c.RedirectURIs, c.PostLogoutRedirectURIs) {
		uri, err := oauth.ParseRedirectURI(s)
		if err == nil && uri.OnTheWeb() {
			all = append(all, uri.Host())
		}
	}
	return all
}
