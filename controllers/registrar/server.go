package registrar

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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
	base   string
	ca     v1alpha1.CABundleReference // zero: the system's roots
}

// transport is how a Server is reached at the moment; err: why it cannot be.
type transport struct {
	http *http.Client
	err  error
}

func targetOf(as *v1alpha1.AuthorizationServer) target {
	t := target{uid: string(as.UID), issuer: as.Spec.Issuer, base: as.Spec.Issuer}
	if as.Spec.Type == v1alpha1.AuthorizationServerManaged {
		t.base = fmt.Sprintf("https://%s.%s.svc:%d", v1alpha1.RegistrarServiceName(as.Name), as.Namespace, v1alpha1.PortRegistrar)
		t.ca = v1alpha1.CABundleReference{Kind: v1alpha1.CABundleConfigMap, Name: v1alpha1.ServerCAName(as.Name), Key: v1alpha1.CABundleKey}
	}
	if u := as.Spec.Unmanaged; u != nil {
		if u.CABundleRef != nil {
			t.ca = *u.CABundleRef
		}
		if u.URL != "" {
			t.base = trimSlash(u.URL)
		}
	}
	return t
}

// Server is one authorization server as the registrar of this cluster sees it.
// It is safe for concurrent use.
type Server struct {
	key         Key
	target      target
	options     Options
	transport   atomic.Pointer[transport]
	bearer      *bearer
	inventory   *Inventory
	brake       *Brake
	subscribers *subscribers
	cancel      context.CancelFunc // of the inventory loop
	forget      context.CancelFunc // of the CA bundle

	mu        sync.Mutex
	endpoints Endpoints
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
	// Endpoints as the metadata tells them; zero before it was read.
	Endpoints Endpoints
}

func newServer(key Key, t target, o Options, subs *subscribers) *Server {
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
	ctx, cancel := context.WithCancel(context.Background())
	s.forget = cancel
	switch {
	case t.ca == v1alpha1.CABundleReference{}:
		s.connect(nil, nil)
	case o.Bundles == nil:
		s.connect(nil, fmt.Errorf("%w: it is not read here", ErrCABundle))
	default:
		o.Bundles.Follow(ctx, key.Namespace, t.ca, s.connect)
	}
	return s
}

// connect makes the server be reached with a CA bundle from now on; none: with the
// system's roots. Exchanges that have begun end with the bundle before. err says why
// there is no bundle.
func (s *Server) connect(pem []byte, err error) {
	next := &transport{err: err}
	if err == nil {
		next.err = checkSecure(s.target.base)
	}
	if next.err == nil {
		next.http, next.err = newHTTPClient(pem, s.options.CertificateName)
	}
	if old := s.transport.Swap(next); old != nil && old.http != nil {
		old.http.CloseIdleConnections()
	}
}

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
	st.Err, st.Endpoints, st.Users = s.err, s.endpoints, s.users
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
