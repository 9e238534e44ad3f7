package authserver

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/outbound"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
)

// Snapshot is what a Source knows at one moment. A part that is nil is not known:
// what was in force stays in force, so that an object deleted by mistake does not
// stop a running server. A server keeps what a snapshot points at and reads it at
// any time: it must not change any more.
type Snapshot struct {
	Settings   *endpoint.Settings
	Signing    *keys.Set
	ServerKeys *credential.ServerKeys
	// Users is what the source says about the people who may sign in.
	Users *oauth.UsersReport
	// Waiting says, for people, what is not known and where it is looked for.
	Waiting []string
}

// Source delivers the server's settings and keys, now and whenever they change.
type Source interface {
	// Run delivers until ctx ends. deliver does not block for long, and must not
	// be called concurrently.
	Run(ctx context.Context, deliver func(Snapshot)) error
}

// Options of a Server.
type Options struct {
	// ListenAddress of the endpoints, host:port. For Run only.
	ListenAddress string
	// RegistrarAddress of what only registrars use, host:port; empty: that is at
	// ListenAddress too. For Run only.
	RegistrarAddress string
	// MetricsAddress of /metrics, host:port; empty: no metrics listener. For Run
	// only.
	MetricsAddress string
	// Certificate of the endpoints, as tls.Config.GetCertificate. Nil: plain http, for
	// loopback or behind a proxy that terminates TLS.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// RegistrarCertificate is that of the registrars' listener, as Certificate.
	RegistrarCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Store that the registrations are kept in. Required; the caller closes it.
	Store store.Store
	// Source of settings and keys. Required.
	Source Source
	// Users are the local users; whoever has them sets others while the server
	// runs. Nil: there are none.
	Users *signin.Local
	// Upstreams returns the upstream providers in force, nil while they are not
	// known yet. Nil itself: there are none.
	Upstreams func() *signin.Upstreams
	// Outbound is set to the networks that Settings.OutboundAllow names, when they
	// change; clients that fetch share it. Nil: nothing is told.
	Outbound *outbound.Allowlist
	// Logos fetches the logos of declared clients, within the limits of
	// package logo. Nil: none are shown.
	Logos *http.Client
	// Registrars says who may register clients. Required.
	Registrars endpoint.RegistrarAuthorizer
	// Version of the program, for the metadata, the replica's lease and a metric.
	Version string
	// Log. Zero: slog.Default().
	Log *slog.Logger
	// Now is the clock. Required.
	Now func() time.Time
	// ShutdownDelay is how long a server that was told to stop still takes new
	// connections, while /readyz says that it is not ready: as long as whoever spreads the
	// requests takes to notice. Zero: not at all.
	ShutdownDelay time.Duration
	// After is the timer of ShutdownDelay. Nil: time.After.
	After func(time.Duration) <-chan time.Time
	// ShutdownTimeout is how long running requests may take to end. Zero: 20 s.
	ShutdownTimeout time.Duration
	// LeaseEvery is how often the replica's lease is renewed. Zero: 5 s.
	LeaseEvery time.Duration
}

const (
	defaultShutdownTimeout = 20 * time.Second
	defaultLeaseEvery      = 5 * time.Second
	// bound is how old this replica's view of the store may be, and how long its
	// lease lasts: after that it stops issuing (DESIGN: 30 s).
	bound = 30 * time.Second
)

func (o Options) withDefaults() (Options, error) {
	if o.Store == nil || o.Source == nil || o.Registrars == nil || o.Now == nil {
		return o, errors.New("authserver: Store, Source, Registrars and Now are required")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Users == nil {
		o.Users = &signin.Local{}
		o.Users.Set(nil)
	}
	if o.After == nil {
		o.After = time.After
	}
	if o.ShutdownTimeout <= 0 {
		o.ShutdownTimeout = defaultShutdownTimeout
	}
	if o.LeaseEvery <= 0 {
		o.LeaseEvery = defaultLeaseEvery
	}
	return o, nil
}
