package registration

import (
	"errors"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

func validClient(reg oauth.Registration) error {
	if reg.Managed == nil {
		return oauth.InvalidClientMetadata("clientele_managed is missing: only a registrar registers here")
	}
	if reg.ClientID == "" {
		return oauth.InvalidClientMetadata("client_id is missing: a registrar names the client")
	}
	// Which schemes the settings permit the registrar knows, and the authorization
	// endpoint heeds: a server that knows it a moment later must not refuse here what
	// would be good then.
	err := reg.Validate(oauth.AnyPrivateUse)
	if err == nil {
		return nil
	}
	if protocol, ok := errors.AsType[*oauth.Error](err); ok {
		return protocol
	}
	return oauth.InvalidClientMetadata("%s", err.Error()).WithCause(err)
}

// updatable: an absent client, another cluster's and one that nobody's registrar
// owns all answer alike (RFC 7592, Section 2.2: 401), so that nothing is told
// about other people's clients.
func updatable(reg oauth.Registration, c *store.Client) error {
	if c == nil || c.Registration.Managed == nil || c.Registration.Managed.Owner.Cluster != reg.Managed.Owner.Cluster {
		return oauth.InvalidToken("no such client").WithCause(store.ErrNotFound)
	}
	if c.Registration.Managed.Owner != reg.Managed.Owner {
		return mismatch()
	}
	return nil
}

func mismatch() error {
	return oauth.OwnerMismatch("the client belongs to another owner or another incarnation (uid) of it").WithCause(store.ErrOwnerMismatch)
}

func taken(reg oauth.Registration, c *store.Client) bool {
	return c != nil && (c.Registration.Managed == nil || !sameOwner(c.Registration.Managed.Owner, reg.Managed.Owner))
}

// sameOwner compares without the incarnation.
func sameOwner(a, b oauth.Owner) bool {
	return a.Cluster == b.Cluster && a.Namespace == b.Namespace && a.Name == b.Name
}

// notStale compares with what was seen last of the owner. Another incarnation
// must bring a higher counter: the old one's requests, which may still be under
// way, then cannot take the client back.
func notStale(m oauth.Managed, c *store.Client) error {
	if c == nil {
		return nil
	}
	stored := c.Registration.Managed
	switch {
	case m.Counter < stored.Counter:
		return stale(stored.Counter, "the counter is lower than the stored one")
	case newIncarnation(m, c) && m.Counter == stored.Counter:
		return stale(stored.Counter, "another incarnation of the owner needs a counter above the stored one")
	case m.Owner.UID == stored.Owner.UID && m.Counter == stored.Counter && m.Generation < stored.Generation:
		return stale(stored.Counter, "the generation is lower than the stored one")
	}
	return nil
}

// newIncarnation: another uid, unless it adopts the orphan that the stored one is.
func newIncarnation(m oauth.Managed, c *store.Client) bool {
	if c == nil {
		return false
	}
	stored := c.Registration.Managed
	adopts := m.Adopt == stored.Owner.UID && stored.Orphaned
	return m.Owner.UID != stored.Owner.UID && !adopts
}

func sameID(reg oauth.Registration, c *store.Client) error {
	if c == nil || newIncarnation(*reg.Managed, c) || c.Registration.ClientID == reg.ClientID {
		return nil
	}
	return oauth.InvalidClientMetadata("client_id cannot change: the owner is registered as %s", c.Registration.ClientID)
}
