package registrar

import (
	"cmp"
	"context"
	"sync"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
)

// Key names an AuthorizationServer.
type Key = types.NamespacedName

// Options says what Servers works with. Tokens and Now are required.
type Options struct {
	// Tokens gives the operator's ServiceAccount tokens.
	Tokens TokenSource
	// Now is the clock.
	Now func() time.Time
	// Bundles reads the CA bundles that AuthorizationServers name. Nil: a server with
	// one cannot be reached.
	Bundles Bundles
	// CertificateName is the host name that servers' certificates must be for.
	// Empty: the one in the URL.
	CertificateName string
	// Protocol that the operator speaks, and the one before. Zero: oauth.Protocol.
	Protocol int
	// needed is oauth.NeededProtocol.
	needed func(sent any) int
	// Log takes what has no object to tell it in a condition.
	Log logr.Logger
	// Timeout bounds one request but for the long poll. Zero: 10 s.
	Timeout time.Duration
	// PollWait is how long the server may hold a long poll. Zero: 50 s.
	PollWait time.Duration
	// Pace is the least time between two polls, so that a burst of changes, most
	// of them this operator's own, is not followed one by one. Zero: 500 ms.
	Pace time.Duration
	// CompareEvery is how often the whole inventory is compared with the server's,
	// whatever the changes told. Each server has a jitter of a quarter. Zero: 10 minutes.
	CompareEvery time.Duration
	// RetryMin and RetryMax bound the backoff after a failed poll. Zero: 100 ms
	// and 5 s.
	RetryMin, RetryMax time.Duration
}

// Servers keeps one Server per AuthorizationServer. It is safe for concurrent
// use. As a Runnable of the manager it follows their inventories.
type Servers struct {
	options Options

	mu      sync.RWMutex
	servers map[Key]*Server
	// running is the context of Start; nil before it.
	running context.Context
	loops   sync.WaitGroup

	subscribers subscribers
}

// NewServers returns an empty set of servers.
func NewServers(o Options) *Servers {
	o.Protocol = cmp.Or(o.Protocol, oauth.Protocol)
	o.needed = oauth.NeededProtocol
	o.Timeout = orDefault(o.Timeout, 10*time.Second)
	o.PollWait = orDefault(o.PollWait, 50*time.Second)
	o.Pace = orDefault(o.Pace, 500*time.Millisecond)
	o.CompareEvery = orDefault(o.CompareEvery, 10*time.Minute)
	o.RetryMin = orDefault(o.RetryMin, 100*time.Millisecond)
	o.RetryMax = orDefault(o.RetryMax, 5*time.Second)
	return &Servers{options: o, servers: map[Key]*Server{}}
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}

// For returns the Server of an AuthorizationServer and makes it if there is none
// yet. Where uid or issuer changed, a new one takes the place of the old; where it is
// reached elsewhere or by another CA, the old one goes on there. It is cheap and asks
// nothing over the network.
func (s *Servers) For(as *v1alpha1.AuthorizationServer) *Server {
	key := Key{Namespace: as.Namespace, Name: as.Name}
	want, by := targetOf(as), routeOf(as)
	s.mu.RLock()
	have := s.servers[key]
	s.mu.RUnlock()
	if have != nil && have.target == want && *have.route.Load() == by {
		return have
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have = s.servers[key]; have != nil {
		if have.target == want {
			if *have.route.Load() != by {
				have.take(by)
			}
			return have
		}
		have.stop()
	}
	made := newServer(key, want, by, s.options, &s.subscribers)
	s.servers[key] = made
	s.follow(made)
	return made
}

// Lookup returns the Server of an AuthorizationServer that For was called with.
func (s *Servers) Lookup(key Key) (*Server, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	server, ok := s.servers[key]
	return server, ok
}

// All returns every Server, in no order.
func (s *Servers) All() []*Server {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]*Server, 0, len(s.servers))
	for _, server := range s.servers {
		all = append(all, server)
	}
	return all
}

// Forget drops the Server of an AuthorizationServer that is gone.
func (s *Servers) Forget(key Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if server := s.servers[key]; server != nil {
		server.stop()
		delete(s.servers, key)
	}
}

// Start follows every server's inventory until ctx ends.
func (s *Servers) Start(ctx context.Context) error {
	s.mu.Lock()
	s.running = ctx
	for _, server := range s.servers {
		s.follow(server)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.running = nil
	for _, server := range s.servers {
		server.forget()
	}
	s.mu.Unlock()
	s.loops.Wait()
	return nil
}

// NeedLeaderElection: only the leader follows, for only it acts on what it sees.
func (s *Servers) NeedLeaderElection() bool { return true }

// follow starts the loop of a server; s.mu is held.
func (s *Servers) follow(server *Server) {
	if s.running == nil || s.running.Err() != nil {
		return
	}
	ctx, cancel := context.WithCancel(s.running)
	server.cancel = cancel
	s.loops.Go(func() { server.follow(ctx) })
}
