package registration

import (
	"slices"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// Request to register or to update a managed client.
type Request struct {
	// Registration as it was sent; Managed.Owner.Cluster is the caller's.
	Registration oauth.Registration
	// Secrets and RegistrationToken are the keyed hashes of what the
	// registration brings as plain ones, in the same order.
	Secrets           []string
	RegistrationToken string
	// Update: the client must exist and belong to this incarnation (PUT of RFC
	// 7592, Section 2.2). Otherwise it is created where it does not exist (POST).
	Update bool
	Now    time.Time
}

// Existing is what a decision starts from: the records, and whether they can be
// believed.
type Existing struct {
	store.ExistingClients
	// OwnerTampered and IDTampered say of ByOwner and ByID that the row is not
	// as this server wrote it.
	OwnerTampered bool
	IDTampered    bool
}

// Outcome of a decision about a client.
type Outcome struct {
	// Client as it is stored afterwards.
	Client store.Client
	// Created: the owner had no client before.
	Created bool
	// Replaced: another incarnation of the owner had it; what was issued to that
	// one has ended.
	Replaced bool
	// Restored: a tampered record was written over.
	Restored bool
}

// Decide on a request to register or to update, in this order:
//
//  1. the registration is valid and a registrar's;
//  2. an update names a client that exists and belongs to this incarnation;
//  3. the client id is free or the owner's own;
//  4. the counter is not behind what was seen of the owner;
//  5. a client id stays with its incarnation.
//
// The change is empty when the stored client is already what was sent. Errors are
// *oauth.Error: invalid_client_metadata, invalid_token with cause
// store.ErrNotFound (an update of an absent client: 401, RFC 7592, Section 2.2),
// owner_mismatch, client_id_taken, stale_counter with a *StaleError as cause.
func Decide(req Request, existing Existing) (store.ClientChange, Outcome, error) {
	if err := validClient(req.Registration); err != nil {
		return store.ClientChange{}, Outcome{}, err
	}
	believed := existing.believed()
	if req.Update {
		if err := updatable(req.Registration, believed.ByID); err != nil {
			return store.ClientChange{}, Outcome{}, err
		}
	}
	if taken(req.Registration, believed.ByID) {
		return store.ClientChange{}, Outcome{}, oauth.ClientIDTaken("the client_id belongs to another owner").WithCause(store.ErrClientIDTaken)
	}
	if err := notStale(*req.Registration.Managed, believed.ByOwner); err != nil {
		return store.ClientChange{}, Outcome{}, err
	}
	if err := sameID(req.Registration, believed.ByOwner); err != nil {
		return store.ClientChange{}, Outcome{}, err
	}
	return decided(req, existing, believed)
}

// decided is what becomes of a request that nothing speaks against.
func decided(req Request, existing Existing, believed store.ExistingClients) (store.ClientChange, Outcome, error) {
	out := Outcome{
		Client:   record(req, believed.ByOwner),
		Created:  existing.ByOwner == nil && existing.ByID == nil,
		Replaced: newIncarnation(*req.Registration.Managed, believed.ByOwner),
		Restored: existing.OwnerTampered || existing.IDTampered,
	}
	if !out.Restored && unchanged(out.Client, believed.ByOwner) {
		out.Client = *believed.ByOwner
		return store.ClientChange{}, out, nil
	}
	if out.Restored {
		// Nobody can say which NotBefore a tampered record really had.
		out.Client.NotBefore = wholeSeconds(req.Now)
	}
	change := store.ClientChange{Put: &out.Client, EndGrants: out.Replaced || out.Restored, EndConsents: promisesElse(out.Client, believed.ByOwner)}
	if old := existing.ByOwner; old != nil && old.Registration.ClientID != req.Registration.ClientID {
		change.Delete = old.Registration.ClientID
	}
	return change, out, nil
}

// DecideDelete decides on the deletion of a client by its registrar (RFC 7592,
// Section 2.3). An absent client, and one that is not the caller's cluster's, is
// no error and no change: deleting is idempotent. Errors are *oauth.Error:
// owner_mismatch, stale_counter.
func DecideDelete(clientID string, owner oauth.Owner, counter int64, existing Existing) (store.ClientChange, error) {
	c := existing.ByID
	if c == nil {
		return store.ClientChange{}, nil
	}
	if existing.IDTampered {
		// It serves nobody, and says nothing reliable of its owner.
		return store.ClientChange{Delete: clientID}, nil
	}
	m := c.Registration.Managed
	if m == nil || m.Owner.Cluster != owner.Cluster {
		return store.ClientChange{}, nil
	}
	if m.Owner != owner {
		return store.ClientChange{}, mismatch()
	}
	if counter < m.Counter {
		return store.ClientChange{}, stale(m.Counter, "the counter is lower than the stored one")
	}
	return store.ClientChange{Delete: clientID}, nil
}

// believed leaves out what is tampered.
func (e Existing) believed() store.ExistingClients {
	known := e.ExistingClients
	if e.OwnerTampered {
		known.ByOwner = nil
	}
	if e.IDTampered {
		known.ByID = nil
	}
	return known
}

// record is the client to be stored. What ends old tokens (NotBefore) and the time
// of issue stay with a client id.
func record(req Request, old *store.Client) store.Client {
	reg := req.Registration.Normalized()
	managed := *reg.Managed
	managed.Adopt, managed.SecretHashes, managed.RegistrationTokenHash = "", nil, ""
	reg.Managed = &managed
	now := wholeSeconds(req.Now)
	c := store.Client{
		Registration:      reg,
		Secrets:           slices.Clone(req.Secrets),
		RegistrationToken: req.RegistrationToken,
		Created:           now,
		Digest:            req.Registration.Digest(),
	}
	if old != nil && old.Registration.ClientID == reg.ClientID {
		c.Created, c.NotBefore = old.Created, old.NotBefore
	}
	if newIncarnation(*req.Registration.Managed, old) {
		c.NotBefore = now
	}
	return c
}

// promisesElse says that a client is not what people allowed any more.
func promisesElse(c store.Client, old *store.Client) bool {
	return old != nil && old.Registration.ConsentPromise() != c.Registration.ConsentPromise()
}

func unchanged(c store.Client, old *store.Client) bool {
	return old != nil && old.Digest == c.Digest && old.Registration.ClientID == c.Registration.ClientID
}

// wholeSeconds: tokens carry their time of issue in whole seconds, and what is
// issued right after must not count as issued before.
func wholeSeconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }
