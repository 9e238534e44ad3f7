package sqlite

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// leases of a file that one process uses at a time are in its memory: they end with it,
// and a full disk does not end them, so that machine tokens can still be had.
type leases struct {
	mu   sync.Mutex
	held map[string]oauth.Replica // by ID
}

// RenewLease implements store.Leases. Leases that ran out an hour ago go with it.
func (l *leases) RenewLease(_ context.Context, r oauth.Replica) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		l.held = map[string]oauth.Replica{}
	}
	maps.DeleteFunc(l.held, func(_ string, old oauth.Replica) bool { return old.LeaseExpires < r.LeaseExpires-3600 })
	l.held[r.ID] = r
	return nil
}

// DropLease implements store.Leases.
func (l *leases) DropLease(_ context.Context, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.held, id)
	return nil
}

// Replicas implements store.Leases, in the order of their ids.
func (l *leases) Replicas(_ context.Context, now time.Time) (found []oauth.Replica, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(l.held)) {
		if r := l.held[id]; r.LeaseExpires > now.Unix() {
			found = append(found, r)
		}
	}
	return found, nil
}
