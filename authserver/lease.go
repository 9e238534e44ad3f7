package authserver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// lease tells the other side which signing keys this replica serves since when. A
// key is promoted only when every replica with a lease serves it; so a replica whose
// lease has ended must not issue. (It still serves its keys; see endpoint.Server.jwks.)
// It also tells which protocol the replica speaks with registrars.
type lease struct {
	id      string
	version string // of the program
	store   store.Leases
	now     func() time.Time
	until   atomic.Int64 // Unix seconds; what the store was told last

	mu       sync.Mutex
	revision string
	since    time.Time
	told     bool // the store was told of revision
}

// renew writes the lease for the key set revision that is served now.
func (l *lease) renew(ctx context.Context, revision string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if l.revision != revision || l.since.IsZero() {
		l.revision, l.since, l.told = revision, now, false
	}
	expires := now.Add(bound).Unix()
	err := l.store.RenewLease(ctx, oauth.Replica{
		ID:             l.id,
		KeySetRevision: revision,
		ServingSince:   ceil(l.since),
		LeaseExpires:   expires,
		Version:        l.version,
		Protocol:       oauth.Protocol,
	})
	if err == nil {
		l.told = true
		l.until.Store(expires)
	}
	return err
}

// tells says that the store was told of this key set revision.
func (l *lease) tells(revision string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told && l.revision == revision
}

// ceil rounds up: a replica must not claim to have served a key longer than it did.
func ceil(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

func (l *lease) holds(now time.Time) bool { return now.Unix() < l.until.Load() }

// drop ends the lease, so that nobody waits for a replica that is gone.
func (l *lease) drop(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until.Store(0)
	return l.store.DropLease(ctx, l.id)
}
