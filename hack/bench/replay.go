package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

// recipe is how often one operation calls each method of the store.
type recipe map[string]float64

// statements in all.
func (r recipe) statements() (n float64) {
	for _, calls := range r {
		n += calls
	}
	return n
}

// replayed is a caller of the bare store: a person with a session, a consent and
// tokens. One goroutine each.
type replayed struct {
	store   store.Store
	id      string
	session string // hash
	family  store.Family
	code    store.Code
	codes   int
}

// replays says how a method is called by itself, in the order in which a request
// would.
var replays = []struct {
	method string
	call   func(ctx context.Context, p *replayed) error
}{
	{"Session", func(ctx context.Context, p *replayed) error {
		_, err := p.store.Session(ctx, p.session, time.Now())
		return err
	}},
	{"Consent", func(ctx context.Context, p *replayed) error {
		_, err := p.store.Consent(ctx, store.ConsentKey{Subject: subjectOf(p.id), ClientID: clientID, Resource: resource, Promise: promise})
		return err
	}},
	{"PutCode", func(ctx context.Context, p *replayed) error {
		p.codes++
		p.code = sampleCode(credential.Hash(fmt.Sprintf("%s/%d", p.id, p.codes)), subjectOf(p.id), p.session)
		return p.store.PutCode(ctx, p.code)
	}},
	{"Code", func(ctx context.Context, p *replayed) error {
		_, err := p.store.Code(ctx, p.code.Hash, time.Now())
		return err
	}},
	{"TakeCode", func(ctx context.Context, p *replayed) error {
		_, err := p.store.TakeCode(ctx, p.code.Hash, time.Now())
		return err
	}},
	{"PutFamily", func(ctx context.Context, p *replayed) error {
		return p.store.PutFamily(ctx, sampleFamily(p.code.FamilyID, p.code.Grant))
	}},
	{"Family", func(ctx context.Context, p *replayed) (err error) {
		p.family, err = p.store.Family(ctx, p.family.ID)
		return err
	}},
	{"AdvanceFamily", func(ctx context.Context, p *replayed) error {
		next := p.family
		next.Generation++
		return p.store.AdvanceFamily(ctx, p.family.Generation, next)
	}},
	{"TokenRevoked", func(ctx context.Context, p *replayed) error {
		_, err := p.store.TokenRevoked(ctx, p.family.ID+".0123456789abcdef")
		return err
	}},
}

// storeCeiling prints how fast the store does a recipe (JSON) for 16 callers, with
// nothing around it.
func storeCeiling(at storage, asJSON string, d time.Duration) error {
	var r recipe
	if err := json.Unmarshal([]byte(asJSON), &r); err != nil {
		return err
	}
	ctx := context.Background()
	s, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	operate, err := r.operation()
	if err != nil {
		return err
	}
	people, err := replayedPeople(ctx, s)
	if err != nil {
		return err
	}
	m, err := newMeter()
	if err != nil {
		return err
	}
	n, err := replay(ctx, people, operate, d)
	if err != nil {
		return err
	}
	return m.stop(n)
}

// operation carries out a recipe once.
func (r recipe) operation() (func(ctx context.Context, p *replayed) error, error) {
	var calls []func(ctx context.Context, p *replayed) error
	known := map[string]bool{}
	for _, one := range replays {
		known[one.method] = true
		for range int(r[one.method] + .5) {
			calls = append(calls, one.call)
		}
	}
	for method, n := range r {
		if !known[method] && n >= .5 {
			return nil, fmt.Errorf("an operation calls %s, which has no replay yet", method)
		}
	}
	return func(ctx context.Context, p *replayed) error {
		for _, call := range calls {
			if err := call(ctx, p); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// replay the operation for a duration, all people at once.
func replay(ctx context.Context, people []*replayed, operate func(context.Context, *replayed) error, d time.Duration) (int, error) {
	var done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for _, p := range people {
		group.Go(func() error {
			for ctx.Err() == nil && time.Since(begin) < d {
				if err := operate(ctx, p); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err := group.Wait()
	return int(done.Load()), err
}
