package registry

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/store"
)

// DigestTampered stands in the inventory for the digest of a record whose MAC
// does not verify.
const DigestTampered = "tampered"

// ErrUnknownClient is the private cause of refusing a client id that is not registered.
// While the store is not complete it does not mean that there is no such client.
var ErrUnknownClient = errors.New("unknown client")

// ErrNotLoaded is the error of everything that needs the store's content before
// Load (or Run) has read it.
var ErrNotLoaded = errors.New("the registrations are not loaded yet")

// Options of a Registry. Store, Keys and Now are required.
type Options struct {
	Store store.Store
	// Keys are the server keys in force. They may change at run time; those of
	// another ID empty the store. See KeysChanged.
	Keys func() credential.ServerKeys
	Now  func() time.Time
	// Log is where tampered records and a store that cannot be read are told.
	// Default: slog.Default().
	Log *slog.Logger
}

// Client is a client as it is served. It never changes once published: neither do
// its maps and slices, which must not be written to.
type Client struct {
	oauth.Registration
	// Secrets are the keyed hashes of the valid secrets (ServerKeys.MatchAny).
	Secrets []string
	// RegistrationToken is the keyed hash of the registration access token.
	RegistrationToken string
	// Self is what is known of a client that registered itself; nil for one that
	// belongs to a registrar.
	Self *store.Self
	// Created is when the client id was registered first.
	Created time.Time
	// NotBefore: what was issued earlier is revoked. Zero: nothing is.
	NotBefore time.Time
	// Scopes is Registration.Scope taken apart.
	Scopes []string
	// Digest is oauth.Registration.Digest of what the registrar sent.
	Digest string
	// Revision of the store at the record's last write.
	Revision int64
}

// Since is when the client became what it is: what was issued to its id, or allowed
// to it, before that ended with an earlier incarnation, or with a client that was
// removed. Whole seconds, UTC.
func (c *Client) Since() time.Time {
	if c.NotBefore.After(c.Created) {
		return c.NotBefore
	}
	return c.Created
}

// Counts of what is registered.
type Counts struct {
	// Managed clients belong to a registrar; SelfRegistered ones to nobody, and
	// Anonymous is how many of these nobody authenticated for.
	Managed        int
	SelfRegistered int
	Anonymous      int
	Policies       int
	// Tampered records, of clients and policies; they count nowhere else.
	Tampered int
}

// Registry is the view. The zero value is of no use: see New.
type Registry struct {
	store store.Store
	keys  func() credential.ServerKeys
	now   func() time.Time
	log   *slog.Logger

	// What is read on the way to every token: no lock.
	clients   atomic.Pointer[sync.Map] // client id → *Client
	policies  atomic.Pointer[policySnapshot]
	confirmed atomic.Int64 // Unix nanoseconds
	complete  atomic.Bool
	hosts     hosts

	// binding is held while the server keys must not change beneath a write.
	binding sync.RWMutex
	boundTo string // credential.ServerKeys.ID the store was bound to; empty: not yet

	// following is held by whoever reads the store's changes and applies them.
	following sync.Mutex
	demand    demand

	// mu guards the state that the inventory is told from.
	mu    sync.Mutex
	state state

	keysChanged chan struct{}
}

type policySnapshot struct {
	set      *policy.Set
	revision int64
}

// New makes a Registry that serves nothing until Load.
func New(o Options) *Registry {
	r := &Registry{store: o.Store, keys: o.Keys, now: o.Now, log: o.Log, keysChanged: make(chan struct{}, 1)}
	if r.log == nil {
		r.log = slog.Default()
	}
	r.clients.Store(new(sync.Map))
	r.policies.Store(&policySnapshot{set: policy.NewSet(nil)})
	r.state.reset("", 0)
	r.hosts.replace(nil)
	return r
}

// Client finds a client that may be served. It never waits and takes no lock.
func (r *Registry) Client(clientID string) (*Client, bool) {
	c, ok := r.clients.Load().Load(clientID)
	if !ok {
		return nil, false
	}
	return c.(*Client), true
}

// Policies that are in force, as one unchanging set.
func (r *Registry) Policies() *policy.Set { return r.policies.Load().set }

// PolicyRevision changes whenever Policies does, and never comes back to an
// earlier number: a key for what was concluded from them.
func (r *Registry) PolicyRevision() int64 { return r.policies.Load().revision }

// Confirmed is when the view was last seen to be the store's; zero before Load. A
// server whose view is unconfirmed for too long must stop issuing (a secret may
// have been revoked meanwhile).
func (r *Registry) Confirmed() time.Time {
	n := r.confirmed.Load()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// Complete reports whether the store holds everything that a registrar has to register;
// false before Load.
func (r *Registry) Complete() bool { return r.complete.Load() }

// StoreID of the store that the view is of; empty before Load.
func (r *Registry) StoreID() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.storeID
}

// Revision of the store that the view is of.
func (r *Registry) Revision() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.revision
}

// Counts what is in the view.
func (r *Registry) Counts() Counts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.counts
}
