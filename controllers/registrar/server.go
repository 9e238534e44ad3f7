package registrar

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
)

// target is what a Server is made of. Another one makes another Server.
type target struct {
	uid    string
	issuer string
}

// route is where a Server is reached. Another one is taken by the same Server, which
// keeps its inventory and its deletion limiter.
type route struct {
	base string
	ca   v1alpha1.CABundleReference // zero: the system's roots
}

// transport is how a Server is reached at the moment; err: why it cannot be.
type transport struct {
	http *http.Client
	pem  []byte // the CA bundle; none: the system's roots
	err  error
}

func targetOf(as *v1alpha1.AuthorizationServer) target {
	return target{uid: string(as.UID), issuer: as.Spec.Issuer}
}

func routeOf(as *v1alpha1.AuthorizationServer) route {
	return route{base: URL(as), ca: caOf(as)}
}

// Server is one authorization server as the registrar of this cluster sees it.
// It is safe for concurrent use.
type Server struct {
	key         Key
	target      target
	options     Options
	route       atomic.Pointer[route]
	transport   atomic.Pointer[transport]
	bearer      *bearer
	inventory   *Inventory
	brake       *Brake
	subscribers *subscribers
	cancel      context.CancelFunc // of the inventory loop
	forget      context.CancelFunc // of the CA bundle
	// connecting keeps a bundle of an earlier route from being used.
	connecting sync.Mutex

	mu        sync.Mutex
	endpoints Endpoints
	// readBy is the route by which the endpoints were read; nil: they were not yet.
	readBy *route
	// fetching makes the metadata be fetched once at a time.
	fetching sync.Mutex
	err      error
	// compareAt is when the whole inventory is read again at the latest.
	compareAt time.Time
	// told is when subscribers last heard of new counts.
	told       time.Time
	toldCounts [2]int
	toldSynced bool
	toldStore  string
	toldUsers  *oauth.UsersReport
	// toldComplete: as toldSynced, for State.Complete.
	toldComplete bool
	users        *oauth.UsersReport // as told last; nil: not yet
	toldStorage  *oauth.StorageReport
	storage      *oauth.StorageReport // as told last; nil: not yet
	// spoken and toldProtocol are about the protocol.
	spoken       spoken
	toldProtocol int
}

// State is what is known of a server at the moment.
type State struct {
	// Err is why the last exchange of the inventory loop failed; nil if it did
	// not. Explain says what it means.
	Err error
	// Synced says that the inventory was read at least once.
	Synced bool
	// StoreID and Revision are the inventory's; empty before it is synced.
	StoreID  string
	Revision int64
	// Complete says that the server refuses client ids that it does not know; while it is
	// false it answers 503, until MarkComplete.
	Complete bool
	// Clients and Policies count what the server holds of this cluster.
	Clients, Policies int
	// Users is what the server says about who may sign in; nil: it has not yet.
	Users *oauth.UsersReport
	// Storage is what the server said last about its storage; nil: it has not yet, or is
	// too old to. While Err is not nil it is of the time before.
	Storage *oauth.StorageReport
	// Protocol is the version that the operator speaks with the server; 0: not known yet.
	Protocol int
	// Version of the server's program, as the metadata names it; empty: it does not.
	Version string
	// Endpoints as the metadata tells them; zero before it was read.
	Endpoints Endpoints
	// CABundle holds, in PEM, what the operator verifies the server with, where apps
	// see the same certificates. Empty: they may not, or the bundle is that of the
	// system, or it is too large to be handed on.
	CABundle string
}

func newServer(key Key, t target, r route, o Options, subs *subscribers) *Server {
	s := &Server{
		key:         key,
		target:      t,
		options:     o,
		bearer:      &bearer{source: o.Tokens, audience: v1alpha1.RegistrarAudience(t.uid), now: o.Now},
		brake:       &Brake{now: o.Now, changed: func() { subs.server(key) }},
		subscribers: subs,
	}
	s.inventory = newInventory(
		func(o Owner) { subs.client(key, o) },
		func(uid string) { subs.policy(key, uid) },
	)
	s.forget = func() {}
	s.take(r)
	return s
}

// take makes the server be reached by another route. It is not called twice at a time.
func (s *Server) take(r route) {
	s.forget()
	ctx, cancel := context.WithCancel(context.Background())
	s.forget = cancel
	s.route.Store(&r)
	connect := func(pem []byte, err error) {
		s.connecting.Lock()
		defer s.connecting.Unlock()
		if ctx.Err() == nil {
			s.connect(pem, err)
		}
	}
	switch {
	case r.ca == v1alpha1.CABundleReference{}:
		connect(nil, nil)
	case s.options.Bundles == nil:
		connect(nil, fmt.Errorf("%w: it is not read here", ErrCABundle))
	default:
		s.options.Bundles.Follow(ctx, s.key.Namespace, r.ca, connect)
	}
}

// base is the URL in place of the issuer's at which the server is reached.
func (s *Server) base() string { return s.route.Load().base }

// connect makes the server be reached with a CA bundle from now on; none: with the
// system's roots. Exchanges that have begun end with the bundle before. err says why
// there is no bundle.
func (s *Server) connect(pem []byte, err error) {
	next := &transport{pem: pem, err: err}
	if err == nil {
		next.err = checkSecure(s.base())
	}
	if next.err == nil {
		next.http, next.err = newHTTPClient(pem, s.options.CertificateName)
	}
	old := s.transport.Swap(next)
	if old == nil {
		return
	}
	if old.http != nil {
		old.http.CloseIdleConnections()
	}
	if !bytes.Equal(old.pem, pem) && next.err == nil {
		s.subscribers.server(s.key)
	}
}

// dialTimeout is how long a connection may take to be made. For a moment after a Pod is gone,
// Services still lead to its address, which answers nothing: a server that was replaced
// is found by the next attempt, and clients of an empty store wait for that.
const dialTimeout = 2 * time.Second

// newHTTPClient follows no redirect: it would carry the registrar's token away.
func newHTTPClient(pem []byte, certificateName string) (*http.Client, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: certificateName}
	if len(pem) > 0 {
		var err error
		if c.RootCAs, err = certPool(pem); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrCABundle, err)
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSClientConfig:        c,
			MaxIdleConns:           64,
			MaxIdleConnsPerHost:    64,
			IdleConnTimeout:        90 * time.Second,
			TLSHandshakeTimeout:    5 * time.Second,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func certPool(pem []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("it holds no PEM certificate that can be read")
	}
	return pool, nil
}

// Key names the AuthorizationServer.
func (s *Server) Key() Key { return s.key }

// Inventory is what the server holds of this cluster.
func (s *Server) Inventory() *Inventory { return s.inventory }

// Brake holds back mass deletion at this server.
func (s *Server) Brake() *Brake { return s.brake }

// State tells what is known of the server at the moment.
func (s *Server) State() State {
	st := s.inventory.state()
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Err, st.Endpoints, st.Users, st.Storage = s.err, s.endpoints, s.users, s.storage
	st.CABundle = s.bundleOfApps()
	st.Protocol, st.Version = s.spoken.agreed, s.spoken.version
	return st
}

func (s *Server) stop() {
	if s.cancel != nil {
		s.cancel()
	}
	s.forget()
	if t := s.transport.Load(); t != nil && t.http != nil {
		t.http.CloseIdleConnections()
	}
}
