package registrar

import "clientele.dev/clientele/authserver/oauth"

// recordClient notes what a registration answered. The reconciler that registered knows;
// the owner that had the client id before hears of it. An answer that is older than the
// inventory changes nothing: the list of changes has told all up to its revision.
func (i *Inventory) recordClient(storeID string, revision int64, e oauth.ClientEntry) {
	i.mu.Lock()
	c := newChanged()
	// Of another store than the one known here: the loop will find that out and read
	// everything.
	if i.synced && storeID == i.storeID && revision >= max(i.revision, i.clients[e.ClientID].revision) {
		i.put(e, revision, c)
	}
	i.mu.Unlock()
	i.tell(c)
}

// put notes that an owner has a client id. Both have no other: the owner's former id goes,
// and so does the entry of the id's former owner, who hears of it.
func (i *Inventory) put(e oauth.ClientEntry, revision int64, c changed) {
	owner := ownerKey(e.Owner)
	if old, ok := i.byOwner[owner]; ok && old != e.ClientID {
		delete(i.clients, old)
	}
	if before, ok := i.clients[e.ClientID]; ok && ownerKey(before.owner) != owner {
		delete(i.byOwner, ownerKey(before.owner))
		c.owners[ownerKey(before.owner)] = struct{}{}
	}
	i.clients[e.ClientID] = held{owner: e.Owner, digest: e.Digest, revision: revision}
	i.byOwner[owner] = e.ClientID
}

func (i *Inventory) drop(clientID string) {
	h, ok := i.clients[clientID]
	if !ok {
		return
	}
	delete(i.clients, clientID)
	if i.byOwner[ownerKey(h.owner)] == clientID {
		delete(i.byOwner, ownerKey(h.owner))
	}
}

// forgetClient notes that the client of an owner was deleted. That of another owner, or
// of another incarnation, stays.
func (i *Inventory) forgetClient(clientID string, owner oauth.Owner) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if h := i.clients[clientID]; h.owner.UID == owner.UID && ownerKey(h.owner) == ownerKey(owner) {
		i.drop(clientID)
	}
}

func (i *Inventory) recordPolicy(storeID string, revision int64, e oauth.PolicyEntry) {
	i.mu.Lock()
	// As in recordClient.
	known := i.synced && storeID == i.storeID && revision >= max(i.revision, i.policies[e.UID].revision)
	if known {
		i.policies[e.UID] = held{digest: e.Digest, revision: revision}
	}
	i.mu.Unlock()
	if known {
		i.onPolicy(e.UID)
	}
}

func (i *Inventory) forgetPolicy(uid string) {
	i.mu.Lock()
	delete(i.policies, uid)
	i.mu.Unlock()
	i.onPolicy(uid)
}

// changed collects whom to tell once the lock is released.
type changed struct {
	owners   map[Owner]struct{}
	policies map[string]struct{}
}

func newChanged() changed {
	return changed{owners: map[Owner]struct{}{}, policies: map[string]struct{}{}}
}

// client notes the owner of an entry that differs from what was known of the client id,
// and the owner that had the id before.
func (c changed) client(old held, known bool, e oauth.ClientEntry) {
	// The cluster is not compared: what reconcilers record does not name it.
	if known && old.digest == e.Digest && old.owner.UID == e.Owner.UID && ownerKey(old.owner) == ownerKey(e.Owner) {
		return
	}
	c.owners[ownerKey(e.Owner)] = struct{}{}
	if known {
		c.owners[ownerKey(old.owner)] = struct{}{}
	}
}

func (i *Inventory) tell(c changed) {
	for owner := range c.owners {
		i.onClient(owner)
	}
	for uid := range c.policies {
		i.onPolicy(uid)
	}
}

// replace takes a whole inventory and tells of every difference to what was
// known. lost says that it is of another store; differences counts what was not as known.
func (i *Inventory) replace(all oauth.Inventory) (lost bool, differences int) {
	i.mu.Lock()
	c := newChanged()
	lost = i.synced && i.storeID != all.StoreID
	oldClients, oldPolicies := i.clients, i.policies
	i.clear()
	for _, e := range all.Clients {
		old, known := oldClients[e.ClientID]
		if known && !lost && old.revision > all.Revision {
			i.put(oauth.ClientEntry{ClientID: e.ClientID, Owner: old.owner, Digest: old.digest}, old.revision, c)
			continue
		}
		c.client(old, known, e)
		i.put(e, all.Revision, c)
	}
	for id, old := range oldClients {
		if _, still := i.clients[id]; still {
			continue
		}
		if !lost && old.revision > all.Revision {
			i.put(oauth.ClientEntry{ClientID: id, Owner: old.owner, Digest: old.digest}, old.revision, c)
			continue
		}
		c.owners[ownerKey(old.owner)] = struct{}{}
	}
	i.replacePolicies(all, oldPolicies, lost, c)
	i.synced, i.storeID, i.revision, i.complete = true, all.StoreID, all.Revision, all.Complete
	i.mu.Unlock()
	i.tell(c)
	return lost, len(c.owners) + len(c.policies)
}

func (i *Inventory) replacePolicies(all oauth.Inventory, old map[string]held, lost bool, c changed) {
	for _, e := range all.Policies {
		was, known := old[e.UID]
		if known && !lost && was.revision > all.Revision {
			i.policies[e.UID] = was
			continue
		}
		if !known || was.digest != e.Digest {
			c.policies[e.UID] = struct{}{}
		}
		i.policies[e.UID] = held{digest: e.Digest, revision: all.Revision}
	}
	for uid, was := range old {
		if _, still := i.policies[uid]; still {
			continue
		}
		if !lost && was.revision > all.Revision {
			i.policies[uid] = was
			continue
		}
		c.policies[uid] = struct{}{}
	}
}

// apply takes a change list of the same store and tells of what differs. It
// returns false, and takes nothing, if the list is of another store or says
// itself that it is not complete.
func (i *Inventory) apply(list oauth.Inventory) bool {
	i.mu.Lock()
	if !i.synced || list.Reset || list.StoreID != i.storeID {
		i.mu.Unlock()
		return false
	}
	c := newChanged()
	for _, e := range list.Clients {
		i.applyClient(e, list.Revision, c)
	}
	for _, e := range list.Policies {
		i.applyPolicy(e, list.Revision, c)
	}
	i.revision = max(i.revision, list.Revision)
	i.complete = i.complete || list.Complete
	i.mu.Unlock()
	i.tell(c)
	return true
}

func (i *Inventory) applyClient(e oauth.ClientEntry, revision int64, c changed) {
	old, known := i.clients[e.ClientID]
	if known && old.revision > revision {
		return
	}
	if e.Deleted {
		if known {
			i.drop(e.ClientID)
			c.owners[ownerKey(old.owner)] = struct{}{}
		}
		return
	}
	c.client(old, known, e)
	i.put(e, revision, c)
}

func (i *Inventory) applyPolicy(e oauth.PolicyEntry, revision int64, c changed) {
	old, known := i.policies[e.UID]
	if known && old.revision > revision {
		return
	}
	if e.Deleted {
		if known {
			delete(i.policies, e.UID)
			c.policies[e.UID] = struct{}{}
		}
		return
	}
	if !known || old.digest != e.Digest {
		c.policies[e.UID] = struct{}{}
	}
	i.policies[e.UID] = held{digest: e.Digest, revision: revision}
}
