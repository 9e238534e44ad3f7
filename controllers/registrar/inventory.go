package registrar

import (
	"sync"

	"clientele.dev/clientele/authserver/oauth"
	"k8s.io/apimachinery/pkg/types"
)

// Owner is the namespace and name of an OAuthClient.
type Owner = types.NamespacedName

// Inventory is what a server holds of this cluster, as far as it told and as far
// as reconcilers recorded what they changed. It is safe for concurrent use.
type Inventory struct {
	onClient func(Owner)
	onPolicy func(uid string)

	mu       sync.RWMutex
	synced   bool
	storeID  string
	complete bool
	revision int64
	clients  map[string]held // by client id
	byOwner  map[Owner]string
	policies map[string]held // by uid
}

// held is an entry and the store's revision at which it was last heard of, so
// that an older answer that arrives later does not count.
type held struct {
	owner    oauth.Owner
	digest   string
	revision int64
}

func newInventory(onClient func(Owner), onPolicy func(string)) *Inventory {
	i := &Inventory{onClient: onClient, onPolicy: onPolicy}
	i.clear()
	return i
}

func (i *Inventory) clear() {
	i.clients, i.byOwner, i.policies = map[string]held{}, map[Owner]string{}, map[string]held{}
}

// Synced says that the inventory was read at least once. Before that, what is
// missing here may well be at the server.
func (i *Inventory) Synced() bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.synced
}

// StoreID identifies the server's store; empty before Synced.
func (i *Inventory) StoreID() string {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.storeID
}

// Client returns the client that the server holds for an owner, whatever the
// owner's uid. The entry's owner always has the namespace and name that were asked for.
func (i *Inventory) Client(owner Owner) (oauth.ClientEntry, bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	id, ok := i.byOwner[owner]
	h := i.clients[id]
	if !ok || ownerKey(h.owner) != owner {
		return oauth.ClientEntry{}, false
	}
	return oauth.ClientEntry{ClientID: id, Owner: h.owner, Digest: h.digest}, true
}

// Policy returns the digest of the policy that the server holds for the uid of a
// ScopePolicy.
func (i *Inventory) Policy(uid string) (digest string, ok bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	h, ok := i.policies[uid]
	return h.digest, ok
}

// PolicyUIDs lists the uids of all policies the server holds of this cluster.
func (i *Inventory) PolicyUIDs() []string {
	i.mu.RLock()
	defer i.mu.RUnlock()
	uids := make([]string, 0, len(i.policies))
	for uid := range i.policies {
		uids = append(uids, uid)
	}
	return uids
}

func (i *Inventory) state() State {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return State{Synced: i.synced, StoreID: i.storeID, Complete: i.complete, Revision: i.revision, Clients: len(i.clients), Policies: len(i.policies)}
}

// position is where a change list is to go on from.
func (i *Inventory) position() (storeID string, revision int64, synced bool) {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.storeID, i.revision, i.synced
}

// markComplete notes that the server marked its store as complete.
func (i *Inventory) markComplete(storeID string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.storeID == storeID {
		i.complete = true
	}
}

func ownerKey(o oauth.Owner) Owner { return Owner{Namespace: o.Namespace, Name: o.Name} }
