package authserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/logo"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
)

// Server is the authorization server, composed. The zero value is of no use: see
// New.
type Server struct {
	options  Options
	log      *slog.Logger
	audit    *audit.Log
	registry *registry.Registry
	lease    *lease
	health   *health
	metrics  *prometheus.Registry
	handler  *endpoint.Server
	draining chan struct{}

	incomplete incomplete

	serverKeys atomic.Pointer[credential.ServerKeys]
	applying   sync.Mutex
	known      Snapshot // guarded by applying
}

// New composes a Server. It starts nothing.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, log: o.Log, audit: audit.New(o.Log, o.Now), draining: make(chan struct{})}
	s.registry = registry.New(registry.Options{Store: o.Store, Keys: s.currentKeys, Now: o.Now, Log: o.Log})
	s.lease = &lease{id: credential.NewID(), version: o.Version, store: o.Store, now: o.Now}
	s.health = &health{registry: s.registry, lease: s.lease}
	s.metrics = newMetrics(s)
	o.Store.SignWith(func() store.Signer { return s.currentKeys() }, o.Log)
	roster := signin.Roster{Local: o.Users, Upstreams: o.Upstreams}
	policies := s.registry.Policies
	s.handler = endpoint.New(endpoint.Config{
		Health:     s.health,
		Registry:   s.registry,
		Registrars: o.Registrars,
		Replicas:   o.Store,
		Flows:      o.Store,
		Roster:     roster,
		Password:   signin.NewPassword(signin.PasswordOptions{Local: o.Users, Lockout: signin.Lockout{Attempts: o.Store, Limits: s.signInLimits}}),
		Upstreams:  o.Upstreams,
		Logos:      newLogos(o),
		Grants: []grant.Grant{
			grant.ClientCredentials{Policies: policies},
			grant.AuthorizationCode{Policies: policies, Codes: o.Store, Families: o.Store, Consents: o.Store, Users: roster},
			grant.RefreshToken{Policies: policies, Families: o.Store, Consents: o.Store, Users: roster},
		},
		Metrics:  endpoint.NewMetrics(s.metrics),
		Audit:    s.audit,
		Log:      o.Log,
		Now:      o.Now,
		Draining: s.draining,
	})
	return s, nil
}

// signInLimits are those of the settings in force.
func (s *Server) signInLimits() signin.Limits {
	if v := s.health.View(); v != nil {
		return v.Settings.SignIn
	}
	return signin.Limits{}
}

func newLogos(o Options) *logo.Cache {
	if o.Logos == nil {
		return nil
	}
	return logo.New(logo.Options{Client: o.Logos, Now: o.Now, Log: o.Log})
}

// Handler of the endpoints.
func (s *Server) Handler() http.Handler { return s.handler }

// MetricsHandler answers /metrics.
func (s *Server) MetricsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
	return mux
}

// Run listens on the addresses of the options and serves until ctx ends; see
// Serve.
func Run(ctx context.Context, o Options) error {
	s, err := New(o)
	if err != nil {
		return err
	}
	on, err := listen(ctx, o)
	if err != nil {
		return err
	}
	return s.Serve(ctx, on)
}

// Listeners of a Server.
type Listeners struct {
	Endpoints net.Listener
	// Registrar takes the requests of registrars, and Endpoints only those of others. Nil:
	// Endpoints takes all.
	Registrar net.Listener
	// Metrics; nil: there are none.
	Metrics net.Listener
}

func listen(ctx context.Context, o Options) (on Listeners, err error) {
	var config net.ListenConfig
	for _, l := range []struct {
		what, address string
		into          *net.Listener
	}{
		{"the endpoints", o.ListenAddress, &on.Endpoints},
		{"registrars", o.RegistrarAddress, &on.Registrar},
		{"metrics", o.MetricsAddress, &on.Metrics},
	} {
		if l.address == "" && l.into != &on.Endpoints {
			continue
		}
		if *l.into, err = config.Listen(ctx, "tcp", l.address); err != nil {
			return on, errors.Join(fmt.Errorf("listen for %s: %w", l.what, err), on.close())
		}
	}
	return on, nil
}

func (on Listeners) close() error {
	var errs []error
	for _, l := range []net.Listener{on.Endpoints, on.Registrar, on.Metrics} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// Serve serves until ctx ends. Then it says that it is not ready, serves for
// Options.ShutdownDelay more, lets running requests end (long polls at once), drops the
// replica's lease and returns nil. A Server serves once.
func (s *Server) Serve(ctx context.Context, on Listeners) error {
	// What runs in the background outlives ctx until the last request has ended.
	background, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	var running sync.WaitGroup
	s.startLoops(background, stop, &running)
	servers := s.startEndpoints(on, stop, &running)
	metricsServer := s.startMetrics(on.Metrics, stop, &running)

	select {
	case <-ctx.Done():
	case <-background.Done():
	}
	s.drain(background, servers)
	err := context.Cause(background) // nil after an orderly stop
	if metricsServer != nil {
		_ = metricsServer.Close()
	}
	stop(nil)
	running.Wait()
	s.dropLease()
	return err
}

// startLoops starts what keeps the server's view of the world.
func (s *Server) startLoops(ctx context.Context, stop context.CancelCauseFunc, running *sync.WaitGroup) {
	snapshots := make(chan Snapshot, 1)
	running.Go(func() {
		if err := s.options.Source.Run(ctx, latest(snapshots)); err != nil && ctx.Err() == nil {
			stop(fmt.Errorf("the source of settings and keys: %w", err))
		}
	})
	running.Go(func() { s.follow(ctx, snapshots) })
	running.Go(func() {
		if err := s.registry.Run(ctx); err != nil && ctx.Err() == nil {
			stop(fmt.Errorf("the registry: %w", err))
		}
	})
	running.Go(func() { s.keepLease(ctx) })
	running.Go(func() { s.keepStorage(ctx) })
	running.Go(func() { s.keepSwept(ctx) })
	running.Go(func() { s.keepEnding(ctx) })
}

// keepLease renews the lease.
func (s *Server) keepLease(ctx context.Context) {
	s.keep(ctx, s.options.LeaseEvery, "replica lease", s.renewLease)
}

// keep does something again and again until ctx ends, and tells when it begins to
// fail and when that is over.
func (s *Server) keep(ctx context.Context, every time.Duration, what string, do func(context.Context) error) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := do(ctx)
		if ctx.Err() != nil {
			return
		}
		if failing != (err != nil) {
			failing = err != nil
			s.log.Log(ctx, level(err), what, "working", err == nil, "error", err)
		}
	}
}

func level(err error) slog.Level {
	if err != nil {
		return slog.LevelError
	}
	return slog.LevelInfo
}

// renewLease writes the lease of a replica that has settings. The view is read
// under the same lock that publishes it, so that the lease never tells of keys
// which are not served.
func (s *Server) renewLease(ctx context.Context) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	v := s.health.View()
	if v == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.LeaseEvery)
	defer cancel()
	return s.lease.renew(ctx, v.KeySetRevision)
}

func (s *Server) dropLease() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := s.lease.drop(ctx); err != nil {
		s.log.Error("the replica's lease could not be dropped; it ends by itself", "error", err)
	}
}
