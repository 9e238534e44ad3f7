package authserver

import (
	"sync/atomic"
	"time"

	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
)

// health is what this process may do at the moment; it implements
// endpoint.Health. What requests read of it takes no lock.
type health struct {
	view     atomic.Pointer[endpoint.View]
	bound    atomic.Pointer[string] // the id of the server keys that the registry is loaded with
	waiting  atomic.Pointer[[]string]
	users    report[oauth.UsersReport]
	storage  report[oauth.StorageReport]
	stopping atomic.Bool
	registry *registry.Registry
	lease    *lease
}

// View implements endpoint.Health.
func (h *health) View() *endpoint.View { return h.view.Load() }

// UsersReport implements endpoint.Health.
func (h *health) UsersReport() (*oauth.UsersReport, <-chan struct{}) { return h.users.get() }

// StorageReport implements endpoint.Health.
func (h *health) StorageReport() (*oauth.StorageReport, <-chan struct{}) { return h.storage.get() }

// MayIssue implements endpoint.Health.
func (h *health) MayIssue(v *endpoint.View, now time.Time) bool {
	return h.loaded(v) && h.confirmed(now) && h.lease.holds(now)
}

// issuing says whether a request for a token would be answered with one.
func (h *health) issuing(now time.Time) bool {
	v := h.view.Load()
	return v != nil && v.CanSign() && h.MayIssue(v, now)
}

// loaded says that the registry was read with the server keys of the view: with
// others every client's secret would look wrong.
func (h *health) loaded(v *endpoint.View) bool {
	id := h.bound.Load()
	return v != nil && id != nil && *id != "" && *id == v.ServerKeysID()
}

func (h *health) confirmed(now time.Time) bool {
	return now.Sub(h.registry.Confirmed()) < bound
}

// Missing implements endpoint.Health: settings, keys, and the store read once. What the
// store does later does not count (Impaired). What the source waits for is told as the
// reason, but is none by itself: a Secret that was deleted while the server runs
// leaves it with what it has in memory.
func (h *health) Missing() []string {
	if h.stopping.Load() {
		return []string{"the server is stopping"}
	}
	missing := h.missing(h.view.Load())
	if w := h.waiting.Load(); w != nil && len(missing) > 0 {
		missing = append(missing, *w...)
	}
	return missing
}

func (h *health) missing(v *endpoint.View) []string {
	if v == nil {
		return []string{"settings: none are known yet"}
	}
	var missing []string
	if !v.CanSign() {
		missing = append(missing, "signing key: there is no active one yet")
	}
	if v.ServerKeysID() == "" {
		missing = append(missing, "server keys: there are none yet")
	}
	if h.bound.Load() == nil {
		missing = append(missing, "store: it has not been read yet")
	}
	return missing
}

// Impaired implements endpoint.Health.
func (h *health) Impaired(now time.Time) []string {
	var impaired []string
	if !h.loaded(h.view.Load()) {
		impaired = append(impaired, "store: it is not loaded with these server keys yet")
	} else if !h.confirmed(now) {
		impaired = append(impaired, "store: the view of it could not be confirmed for "+bound.String())
	}
	if !h.lease.holds(now) {
		impaired = append(impaired, "lease: this replica holds none")
	}
	return impaired
}
