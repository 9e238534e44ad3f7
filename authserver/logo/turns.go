package logo

import (
	"context"
	"net/url"
	"strings"
	"sync"
)

const (
	maxFetches = 8 // at a time
	maxPerHost = 2 // of them, so that one that is slow does not take them all
)

// turns bounds how many fetches are under way, in all and at one host.
type turns struct {
	all chan struct{}

	mu    sync.Mutex
	hosts map[string]*host
}

type host struct {
	turns chan struct{}
	users int // who have a turn or wait for one; guarded by turns.mu
}

func newTurns() *turns {
	return &turns{all: make(chan struct{}, maxFetches), hosts: map[string]*host{}}
}

// take waits for a turn to fetch from a URL, until ctx ends; then ok is false. The
// host's comes first: who waits for a slow host takes no other's place.
func (t *turns) take(ctx context.Context, url string) (done func(), ok bool) {
	name := hostOf(url)
	h := t.enter(name)
	if !wait(ctx, h.turns) {
		t.leave(name, h)
		return nil, false
	}
	if !wait(ctx, t.all) {
		<-h.turns
		t.leave(name, h)
		return nil, false
	}
	return func() {
		<-t.all
		<-h.turns
		t.leave(name, h)
	}, true
}

func wait(ctx context.Context, turn chan<- struct{}) bool {
	select {
	case <-ctx.Done():
		return false
	case turn <- struct{}{}:
		return true
	}
}

func (t *turns) enter(name string) *host {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := t.hosts[name]
	if h == nil {
		h = &host{turns: make(chan struct{}, maxPerHost)}
		t.hosts[name] = h
	}
	h.users++
	return h
}

func (t *turns) leave(name string, h *host) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h.users--; h.users == 0 {
		delete(t.hosts, name)
	}
}

// hostOf a URL, whatever its port and spelling. One without is not fetched anyway.
func hostOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}
