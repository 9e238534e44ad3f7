package registry

import (
	"context"
	"slices"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// Bounds of an inventory page, in clients: 10,000 are a handful of calls.
const (
	DefaultPage = 1000
	MaxPage     = 5000
)

// Inventory is a page of what a cluster's registrar has here, in the order of the
// client ids; policies come with the first page. limit counts clients; 0 is
// DefaultPage, more than MaxPage is MaxPage. page is Next of the page before, or
// empty: the client id that it ended with. Any client id will do, for a page holds
// clients of the caller's cluster only; what is none is invalid_request.
//
// Each page has the revision of its own moment: Changes since the first page's tell
// what happened while the pages were read.
func (r *Registry) Inventory(cluster, page string, limit int) (oauth.Inventory, error) {
	if page != "" && !oauth.ValidClientID(page) {
		return oauth.Inventory{}, oauth.InvalidRequest("page must be next of the page before")
	}
	if limit <= 0 {
		limit = DefaultPage
	}
	limit = min(limit, MaxPage)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.state.loaded {
		return oauth.Inventory{}, ErrNotLoaded
	}
	inv := oauth.Inventory{StoreID: r.state.storeID, Revision: r.state.revision, Complete: r.Complete()}
	var more bool
	if inv.Clients, more = r.clientsAfter(cluster, page, limit); more {
		inv.Next = inv.Clients[limit-1].ClientID
	}
	if page == "" {
		inv.Policies = r.policiesOf(cluster)
	}
	return inv, nil
}

// clientsAfter lists up to limit of a cluster's clients with ids above after, in
// order, and says whether there are more.
func (r *Registry) clientsAfter(cluster, after string, limit int) (entries []oauth.ClientEntry, more bool) {
	ids := r.ordered()
	first, found := slices.BinarySearch(ids, after)
	if found {
		first++
	}
	for _, id := range ids[first:] {
		entry := r.clientEntry(change{id: id, owner: oauth.Owner{Cluster: cluster}})
		if entry.Deleted { // another cluster's, or nobody's
			continue
		}
		if len(entries) == limit {
			return entries, true
		}
		entries = append(entries, entry)
	}
	return entries, false
}

// ordered lists all client ids in order. It is made again when something changed
// since: reading page by page sorts once.
func (r *Registry) ordered() []string {
	if r.state.ids != nil && r.state.idsOf == r.state.revision {
		return r.state.ids
	}
	counts := r.state.counts
	ids := make([]string, 0, counts.Managed+counts.SelfRegistered+counts.Tampered)
	r.clients.Load().Range(func(id, _ any) bool {
		ids = append(ids, id.(string))
		return true
	})
	for id := range r.state.tampered {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	r.state.ids, r.state.idsOf = ids, r.state.revision
	return ids
}

func (r *Registry) policiesOf(cluster string) []oauth.PolicyEntry {
	var entries []oauth.PolicyEntry
	for uid, p := range r.state.policies {
		if p.Cluster == cluster {
			entries = append(entries, oauth.PolicyEntry{UID: uid, Digest: p.Digest()})
		}
	}
	for uid, of := range r.state.tamperedPolicies {
		if of == cluster {
			entries = append(entries, oauth.PolicyEntry{UID: uid, Digest: DigestTampered})
		}
	}
	slices.SortFunc(entries, func(a, b oauth.PolicyEntry) int { return strings.Compare(a.UID, b.UID) })
	return entries
}

// Changes of a cluster's records since a revision of the store with an id. If
// there are none it waits for one, as long as wait and no longer than ctx, whose
// error it returns then. Reset is set at once when the changes since are not
// known: another store, a revision of the future, or too long ago.
func (r *Registry) Changes(ctx context.Context, cluster, storeID string, since int64, wait time.Duration) (oauth.Inventory, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		inv, moved, err := r.changesNow(cluster, storeID, since)
		if err != nil || wait <= 0 || inv.Reset || len(inv.Clients)+len(inv.Policies) > 0 {
			return inv, err
		}
		select {
		case <-moved:
		case <-timer.C:
			return inv, nil
		case <-ctx.Done():
			return oauth.Inventory{}, ctx.Err()
		}
	}
}

// changesNow tells what is known now, and what to wait for if that is nothing.
func (r *Registry) changesNow(cluster, storeID string, since int64) (oauth.Inventory, <-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.state.loaded {
		return oauth.Inventory{}, nil, ErrNotLoaded
	}
	inv := oauth.Inventory{StoreID: r.state.storeID, Revision: r.state.revision, Complete: r.Complete()}
	if !r.state.knows(storeID, since) {
		inv.Reset = true
		return inv, nil, nil
	}
	r.tell(&inv, cluster, r.state.since(since))
	return inv, r.state.moved, nil
}

// tell each record of the cluster that is in the log once, as it is now.
func (r *Registry) tell(inv *oauth.Inventory, cluster string, log []change) {
	type key struct {
		policy bool
		id     string
	}
	told := map[key]bool{}
	for _, c := range slices.Backward(log) {
		k := key{c.policy, c.id}
		if c.owner.Cluster != cluster || told[k] {
			continue
		}
		told[k] = true
		if c.policy {
			inv.Policies = append(inv.Policies, r.policyEntry(cluster, c.id))
		} else {
			inv.Clients = append(inv.Clients, r.clientEntry(c))
		}
	}
	slices.Reverse(inv.Clients)
	slices.Reverse(inv.Policies)
}

// clientEntry of a logged change: a record that is gone, or another cluster's by
// now, is deleted as far as this one is concerned.
func (r *Registry) clientEntry(c change) oauth.ClientEntry {
	if owner, ok := r.state.tampered[c.id]; ok && owner.Cluster == c.owner.Cluster {
		return oauth.ClientEntry{ClientID: c.id, Owner: owner, Digest: DigestTampered}
	}
	if now, ok := r.Client(c.id); ok && now.Managed != nil && now.Managed.Owner.Cluster == c.owner.Cluster {
		return oauth.ClientEntry{ClientID: c.id, Owner: now.Managed.Owner, Digest: now.Digest}
	}
	return oauth.ClientEntry{ClientID: c.id, Owner: c.owner, Deleted: true}
}

func (r *Registry) policyEntry(cluster, uid string) oauth.PolicyEntry {
	if of, ok := r.state.tamperedPolicies[uid]; ok && of == cluster {
		return oauth.PolicyEntry{UID: uid, Digest: DigestTampered}
	}
	if p, ok := r.state.policies[uid]; ok && p.Cluster == cluster {
		return oauth.PolicyEntry{UID: uid, Digest: p.Digest()}
	}
	return oauth.PolicyEntry{UID: uid, Deleted: true}
}
