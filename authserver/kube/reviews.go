package kube

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

// How long an answer is reused: a right that is taken away, or given, counts
// after that.
const (
	reuseYes = 10 * time.Second
	reuseNo  = 2 * time.Second
)

const (
	maxReviews        = 1024 // answers that are kept
	maxRunningReviews = 16
)

// reviews keeps answers about tokens for a few seconds, by the token's hash, and
// asks only once for requests that come at the same time.
type reviews struct {
	now     func() time.Time
	running chan struct{}

	mu      sync.Mutex
	entries map[[sha256.Size]byte]*answer
}

// answer is complete when done is closed.
type answer struct {
	done    chan struct{}
	caller  endpoint.Caller
	err     error
	expires time.Time
}

func newReviews(now func() time.Time) *reviews {
	return &reviews{
		now:     now,
		running: make(chan struct{}, maxRunningReviews),
		entries: map[[sha256.Size]byte]*answer{},
	}
}

// do returns a fresh enough answer. tokenExpires bounds how long it is reused.
func (r *reviews) do(ctx context.Context, key [sha256.Size]byte, tokenExpires time.Time, review func(context.Context) (endpoint.Caller, error)) (endpoint.Caller, error) {
	a, mine := r.entry(key)
	if mine {
		r.ask(ctx, key, a, tokenExpires, review)
	}
	select {
	case <-a.done:
		return a.caller, a.err
	case <-ctx.Done():
		return endpoint.Caller{}, ctx.Err()
	}
}

// entry returns the answer that there is or will be; mine says that the caller
// has to find it.
func (r *reviews) entry(key [sha256.Size]byte) (a *answer, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if a := r.entries[key]; a != nil && (!a.complete() || now.Before(a.expires)) {
		return a, false
	}
	if len(r.entries) >= maxReviews {
		r.makeRoom(now)
	}
	a = &answer{done: make(chan struct{})}
	r.entries[key] = a
	return a, true
}

func (a *answer) complete() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// makeRoom forgets what has expired, or if that is nothing, all answers.
func (r *reviews) makeRoom(now time.Time) {
	for key, a := range r.entries {
		if a.complete() && !now.Before(a.expires) {
			delete(r.entries, key)
		}
	}
	if len(r.entries) >= maxReviews {
		clear(r.entries)
	}
}

func (r *reviews) ask(ctx context.Context, key [sha256.Size]byte, a *answer, tokenExpires time.Time, review func(context.Context) (endpoint.Caller, error)) {
	defer close(a.done)
	select {
	case r.running <- struct{}{}:
		a.caller, a.err = review(ctx)
		<-r.running
	case <-ctx.Done():
		a.err = ctx.Err()
	}
	reuse := reuseNo
	if a.err == nil && (a.caller.Manage || a.caller.Register) {
		reuse = reuseYes
	}
	a.expires = r.now().Add(reuse)
	if a.err == nil && tokenExpires.Before(a.expires) {
		a.expires = tokenExpires
	}
	if a.err != nil && !errors.Is(a.err, oauth.InvalidToken("")) {
		r.forget(key, a) // a failure is no answer
	}
}

func (r *reviews) forget(key [sha256.Size]byte, a *answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries[key] == a {
		delete(r.entries, key)
	}
}
