package kube

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/util/cache"

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
	asking  singleflight.Group
	answers *cache.LRUExpireCache // of type answer
}

type answer struct {
	caller endpoint.Caller
	err    error
}

// clock is a cache.Clock.
type clock func() time.Time

func (c clock) Now() time.Time { return c() }

func newReviews(now func() time.Time) *reviews {
	return &reviews{
		now:     now,
		running: make(chan struct{}, maxRunningReviews),
		answers: cache.NewLRUExpireCacheWithClock(maxReviews, clock(now)),
	}
}

// do returns a fresh enough answer. tokenExpires bounds how long it is reused.
func (r *reviews) do(ctx context.Context, key [sha256.Size]byte, tokenExpires time.Time, review func(context.Context) (endpoint.Caller, error)) (endpoint.Caller, error) {
	if a, known := r.answers.Get(key); known {
		return a.(answer).caller, a.(answer).err
	}
	done := r.asking.DoChan(string(key[:]), func() (any, error) {
		if a, known := r.answers.Get(key); known { // since the look above
			return a, nil
		}
		// Other requests may wait for the same answer: it does not end with the first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reviewTimeout)
		defer cancel()
		a := r.ask(ctx, review)
		r.keep(key, a, tokenExpires)
		return a, nil
	})
	select {
	case result := <-done:
		a := result.Val.(answer)
		return a.caller, a.err
	case <-ctx.Done():
		return endpoint.Caller{}, ctx.Err()
	}
}

func (r *reviews) ask(ctx context.Context, review func(context.Context) (endpoint.Caller, error)) (a answer) {
	select {
	case r.running <- struct{}{}:
		defer func() { <-r.running }()
		a.caller, a.err = review(ctx)
	case <-ctx.Done():
		a.err = ctx.Err()
	}
	return a
}

// keep an answer for later requests. A failure is no answer.
func (r *reviews) keep(key [sha256.Size]byte, a answer, tokenExpires time.Time) {
	if a.err != nil && !errors.Is(a.err, oauth.InvalidToken("")) {
		return
	}
	reuse := reuseNo
	if a.err == nil && (a.caller.Manage || a.caller.Register) {
		reuse = reuseYes
	}
	if left := tokenExpires.Sub(r.now()); a.err == nil && left < reuse {
		reuse = left
	}
	if reuse > 0 {
		r.answers.Add(key, a, reuse)
	}
}
