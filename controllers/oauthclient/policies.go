package oauthclient

import (
	"context"
	"slices"
	"strings"
	"sync"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/controllers/internal/rules"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// policySets keeps, for each server, the policies that the server decides by: a
// ScopePolicy counts as it stands once the inventory has its digest, and until
// then as the server had it before. They are built once per change, not per
// client.
type policySets struct {
	cache    client.Reader
	operator rules.Operator

	mu      sync.Mutex
	servers map[registrar.Key]*serverPolicies
}

type serverPolicies struct {
	fresh   bool
	version string
	set     *policy.Set
	// known are policies in force, by uid and digest; converted are those of the
	// cache, by uid.
	known     map[string]policy.Policy
	converted map[types.UID]converted
}

// converted is a ScopePolicy of a generation in the server's words.
type converted struct {
	generation int64
	policy     policy.Policy
	digest     string
}

func newPolicySets(o Options) *policySets {
	return &policySets{cache: o.Client, operator: o.Operator, servers: map[registrar.Key]*serverPolicies{}}
}

// of returns the set of a server. An unreadable cache gives the last one.
func (s *policySets) of(server *registrar.Server) *policy.Set {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current(server).set
}

// refresh rebuilds the set and says whether it is another one now.
func (s *policySets) refresh(server *registrar.Server) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.entry(server.Key()).version
	s.entry(server.Key()).fresh = false
	return s.current(server).version != before
}

func (s *policySets) entry(key registrar.Key) *serverPolicies {
	e := s.servers[key]
	if e == nil {
		e = &serverPolicies{}
		s.servers[key] = e
	}
	return e
}

func (s *policySets) current(server *registrar.Server) *serverPolicies {
	e := s.entry(server.Key())
	if e.fresh {
		return e
	}
	var list v1alpha1.ScopePolicyList
	err := s.cache.List(context.Background(), &list,
		client.UnsafeDisableDeepCopy)
	if err != nil {
		return e
	}
	s.build(e, server, list.Items)
	return e
}

func (s *policySets) build(e *serverPolicies, server *registrar.Server, items []v1alpha1.ScopePolicy) {
	known, seen := map[string]policy.Policy{}, map[types.UID]converted{}
	var inForce []policy.Policy
	var digests []string
	for i := range items {
		item := &items[i]
		if key, mine := s.operator.Server(item.Spec.ServerRef, item.Status.ServerRef); !mine || key != server.Key() {
			continue
		}
		digest, there := server.Inventory().Policy(string(item.UID))
		now := e.convert(item)
		seen[item.UID] = now
		candidate, ok := now.policy, now.digest == digest
		if !ok {
			candidate, ok = e.known[string(item.UID)+" "+digest]
		}
		if !there || !ok {
			continue
		}
		known[string(item.UID)+" "+digest] = candidate
		inForce = append(inForce, candidate)
		digests = append(digests, string(item.UID)+" "+digest)
	}
	slices.Sort(digests)
	e.converted = seen
	e.known, e.fresh, e.version = known, true, strings.Join(digests, "\n")
	e.set = policy.NewSet(inForce)
}

func (e *serverPolicies) convert(item *v1alpha1.ScopePolicy) converted {
	if have, ok := e.converted[item.UID]; ok && have.generation == item.Generation {
		return have
	}
	p := rules.Policy(item)
	return converted{generation: item.Generation, policy: p, digest: p.Digest()}
}

// policyChanges gathers the servers whose policies changed, so that a thousand
// changes at once are looked at a few times and not a thousand times.
type policyChanges struct {
	mu    sync.Mutex
	dirty map[registrar.Key]struct{}
	wake  chan struct{}
}

func newPolicyChanges() *policyChanges {
	return &policyChanges{dirty: map[registrar.Key]struct{}{}, wake: make(chan struct{}, 1)}
}

func (c *policyChanges) mark(key registrar.Key) {
	c.mu.Lock()
	c.dirty[key] = struct{}{}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// run calls look for each server that was marked, until ctx ends.
func (c *policyChanges) run(ctx context.Context, look func(registrar.Key)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		c.mu.Lock()
		dirty := c.dirty
		c.dirty = map[registrar.Key]struct{}{}
		c.mu.Unlock()
		for key := range dirty {
			look(key)
		}
	}
}
