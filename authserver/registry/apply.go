package registry

import (
	"sync"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// loadedClient is a client as it was read: nil if it must not be served.
type loadedClient struct {
	id     string
	owner  oauth.Owner
	client *Client
}

// apply what happened in the store to the view. Called by one at a time.
func (r *Registry) apply(ch store.Changes) {
	loaded := make([]loadedClient, 0, len(ch.Clients))
	for i := range ch.Clients {
		loaded = append(loaded, load(&ch.Clients[i]))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	// What makes the store complete is served before it is called complete.
	defer r.complete.Store(ch.Complete)
	known := r.state
	if ch.Full {
		r.state.reset(ch.StoreID, ch.Revision)
		r.replaceClients(loaded, known.tampered)
		r.replacePolicies(ch.Policies, known.tamperedPolicies)
	} else if ch.Revision != r.state.revision {
		r.state.revision = ch.Revision
		r.changeClients(loaded, ch.DeletedClients)
		r.changePolicies(ch)
		r.state.wake()
	}
	r.state.loaded = true
}

func load(c *store.Client) loadedClient {
	l := loadedClient{id: c.Registration.ClientID}
	if m := c.Registration.Managed; m != nil {
		l.owner = m.Owner
	}
	if c.Tampered {
		return l
	}
	scopes, err := oauth.ParseScope(c.Registration.Scope)
	if err != nil {
		return l
	}
	l.client = &Client{
		Registration:      c.Registration,
		Secrets:           c.Secrets,
		RegistrationToken: c.RegistrationToken,
		Self:              c.Self,
		NotBefore:         c.NotBefore,
		Created:           c.Created,
		Scopes:            scopes,
		Digest:            c.Digest,
		Revision:          c.Revision,
	}
	return l
}

// replaceClients by all that there is. wasTampered keeps a record from being
// complained about twice.
func (r *Registry) replaceClients(all []loadedClient, wasTampered map[string]oauth.Owner) {
	served := new(sync.Map)
	r.hosts.replace(all)
	for _, l := range all {
		if l.client != nil {
			served.Store(l.id, l.client)
			r.count(l.client, 1)
			continue
		}
		owner, known := wasTampered[l.id]
		if !known {
			owner = r.lastOwner(l)
			r.complain("client", l.id)
		}
		r.state.tampered[l.id] = owner
		r.state.counts.Tampered++
	}
	r.clients.Store(served)
}

func (r *Registry) changeClients(changed []loadedClient, deleted []string) {
	for _, id := range deleted {
		r.forget(id)
	}
	for _, l := range changed {
		_, was := r.state.tampered[l.id]
		owner := l.owner
		if l.client != nil {
			r.serve(l)
		} else {
			owner = r.lastOwner(l)
			r.forget(l.id)
			r.state.tampered[l.id] = owner
			r.state.counts.Tampered++
		}
		if l.client == nil && !was {
			r.complain("client", l.id)
		}
		r.state.note(change{revision: r.state.revision, id: l.id, owner: owner})
	}
}

// serve a client from now on, in place of what there was under its id: at no time
// is it unknown meanwhile.
func (r *Registry) serve(l loadedClient) {
	before, served := r.Client(l.id)
	r.clients.Load().Store(l.id, l.client)
	r.count(l.client, 1)
	r.hosts.add(l.client, 1)
	if served {
		r.noteGone(l.id, before)
		return
	}
	r.forgetTampered(l.id)
}

// lastOwner of a record that is no longer to be believed: whom it belonged to when
// it was, so that the right registrar's owner hears of it; else what it says.
func (r *Registry) lastOwner(l loadedClient) oauth.Owner {
	if c, ok := r.Client(l.id); ok && c.Managed != nil {
		return c.Managed.Owner
	}
	if owner, ok := r.state.tampered[l.id]; ok {
		return owner
	}
	return l.owner
}

// forget a client and note that it is gone; what replaces it is noted after.
func (r *Registry) forget(id string) {
	if c, served := r.Client(id); served {
		r.clients.Load().Delete(id)
		r.noteGone(id, c)
		return
	}
	r.forgetTampered(id)
}

// noteGone notes that a client which was served is not there any more.
func (r *Registry) noteGone(id string, c *Client) {
	r.count(c, -1)
	r.hosts.add(c, -1)
	gone := change{revision: r.state.revision, id: id}
	if c.Managed != nil {
		gone.owner = c.Managed.Owner
	}
	r.state.note(gone)
}

func (r *Registry) forgetTampered(id string) {
	owner, tampered := r.state.tampered[id]
	if !tampered {
		return
	}
	delete(r.state.tampered, id)
	r.state.counts.Tampered--
	r.state.note(change{revision: r.state.revision, id: id, owner: owner})
}

func (r *Registry) count(c *Client, n int) {
	if c.Managed != nil {
		r.state.counts.Managed += n
	} else {
		r.state.counts.SelfRegistered += n
		if c.Anonymous() {
			r.state.counts.Anonymous += n
		}
	}
}

func (r *Registry) complain(kind, id string) {
	r.log.Error("a stored record is not as this server wrote it; it is not served until it is registered again",
		"kind", kind, "id", id)
}
