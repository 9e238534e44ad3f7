// Package authtest runs an authorization server inside a test: on a loopback
// port, with a real store (SQLite in a temporary folder, or a schema of a
// PostgreSQL, with any number of replicas), and a clock that the test moves. Its
// driver speaks OAuth and the registration protocol. Test only.
package authtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/outbound"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
)

// Config of a Server. The zero value is a ready server with ES256 keys that people
// may sign in at.
type Config struct {
	// Settings; Issuer is filled in if it is empty, and IssuerPath appended.
	Settings   endpoint.Settings
	IssuerPath string
	// MachinesOnly: nobody signs in.
	MachinesOnly bool
	// Bare starts without settings and keys, and incomplete.
	Bare bool
	// Incomplete leaves the store incomplete; see Complete.
	Incomplete bool
	// Postgres keeps what the server knows, in a schema of its own. Nil: SQLite
	// does, in a temporary folder.
	Postgres *pgtest.Server
	// Poll is how often the store looks for changes by itself; time.Hour for what
	// only a notification may tell. Default: 20 ms.
	Poll time.Duration
	// Source of snapshots beside those that a test applies itself. Nil: none.
	Source authserver.Source
	// Wrap the store, to make it fail.
	Wrap func(store.Store) store.Store
	// Upstreams returns the upstream providers; nil: none.
	Upstreams func() *signin.Upstreams
	// Users of a Replica that reads another document than the first server, as one does
	// that is behind. Nil: they share it.
	Users *signin.Local
	// Outbound is told of Settings.OutboundAllow; nil: it is not.
	Outbound *outbound.Allowlist
	// Logos fetches logos of clients; nil: none are shown.
	Logos *http.Client
	// RegistrarPort gives registrars a listener of their own; see Server.RegistrarURL.
	RegistrarPort bool
	// ShutdownDelay and After are as in authserver.Options.
	ShutdownDelay time.Duration
	After         func(time.Duration) <-chan time.Time
	// Certificate of both listeners, self-signed; nil: plain http.
	Certificate *tls.Certificate
	// Discard the log instead of keeping it, for benchmarks.
	Discard bool
}

// Version that the servers say they are of.
const Version = "v0.0.0-test"

// Server is a running authorization server.
type Server struct {
	*authserver.Server
	// URL of the server: its issuer but for IssuerPath.
	URL    string
	Issuer string
	// RegistrarURL is where registrars call: URL, unless Config.RegistrarPort is set.
	RegistrarURL string
	MetricsURL   string
	Clock        *Clock
	Store        store.Store
	Registrars   *Registrars
	// Users are the local users; see SetUsers. At first there are none.
	Users      *signin.Local
	Log        *Log
	Settings   endpoint.Settings
	Signing    keys.Set
	ServerKeys credential.ServerKeys

	transport *http.Transport // of the driver

	home     string // URL by which browsers know it and its replicas
	database database
	role     string
	close    func() error // the store

	stop context.CancelFunc
	done chan error
	once sync.Once
	err  error
}

// Start a server, and stop it when the test ends.
func Start(t testing.TB, c Config) *Server {
	t.Helper()
	s := &Server{Clock: NewClock(), Registrars: &Registrars{}, Users: &signin.Local{}, database: newDatabase(t, c)}
	s.Users.Set(nil)
	var err error
	s.ServerKeys, err = credential.NewServerKeys(s.Clock.Now())
	must(t, err)
	s.Signing = SigningKeys(t, s.Clock.Now(), keys.ES256)
	s.run(t, c)
	return s
}

// Replica starts another server on the same PostgreSQL: same issuer, clock, users,
// registrars, settings and keys. Of c count what is the process's own: Bare, Poll,
// Source, Wrap, Upstreams, Users and Discard. Its methods speak to the replica itself;
// browsers know only one address, see Browser.At.
func (s *Server) Replica(t testing.TB, c Config) *Server {
	t.Helper()
	if s.database.postgres == nil {
		t.Fatal("replicas need PostgreSQL: set Config.Postgres")
	}
	return s.next(t, c)
}

// Restart stops the server and starts another one that finds the same database,
// whatever it is, and is otherwise as Replica.
func (s *Server) Restart(t testing.TB, c Config) *Server {
	t.Helper()
	must(t, s.Stop())
	must(t, s.close())
	return s.next(t, c)
}

func (s *Server) next(t testing.TB, c Config) *Server {
	t.Helper()
	c.Settings, c.IssuerPath = s.Settings, ""
	r := &Server{
		Clock: s.Clock, Registrars: s.Registrars, Users: s.Users,
		Signing: s.Signing, ServerKeys: s.ServerKeys, home: s.home, database: s.database,
	}
	if c.Users != nil {
		r.Users = c.Users
	}
	r.run(t, c)
	return r
}

func (s *Server) run(t testing.TB, c Config) {
	t.Helper()
	s.Log, s.done = &Log{}, make(chan error, 1)
	on := authserver.Listeners{Endpoints: listen(t), Metrics: listen(t)}
	scheme := "http://"
	if c.Certificate != nil {
		scheme = "https://"
	}
	s.URL, s.MetricsURL = scheme+on.Endpoints.Addr().String(), "http://"+on.Metrics.Addr().String()+"/metrics"
	s.RegistrarURL = s.URL
	if c.RegistrarPort {
		on.Registrar = listen(t)
		s.RegistrarURL = scheme + on.Registrar.Addr().String()
	}
	if s.home == "" {
		s.home = s.URL
	}
	s.openStore(t, c)
	s.transport = transport(t, c)
	s.settings(c)
	source := c.Source
	if source == nil {
		source = silent{}
	}
	var certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	if c.Certificate != nil {
		certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.Certificate, nil }
	}
	var err error
	s.Server, err = authserver.New(authserver.Options{
		Certificate: certificate, RegistrarCertificate: certificate,
		ShutdownDelay: c.ShutdownDelay, After: c.After,
		Version:         Version,
		Store:           s.Store,
		Source:          source,
		Registrars:      s.Registrars,
		Users:           s.Users,
		Upstreams:       c.Upstreams,
		Outbound:        c.Outbound,
		Logos:           c.Logos,
		Log:             s.logger(c),
		Now:             s.Clock.Now,
		ShutdownTimeout: 10 * time.Second,
		LeaseEvery:      time.Hour, // tests renew it themselves
	})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go func() { s.done <- s.Serve(ctx, on) }()
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("the server stopped with %v", err)
		}
	})
	if !c.Bare {
		s.Reload(t)
		if !c.Incomplete {
			s.Complete(t)
		}
	}
}

// Complete marks the store as complete, as an operator does that has registered
// everything.
func (s *Server) Complete(t testing.TB) {
	t.Helper()
	if a := s.SendJSON(t, http.MethodPut, "/registrar/v1/complete", RegistrarToken, oauth.StoreComplete{StoreID: s.StoreID(t)}); a.Status != http.StatusOK {
		t.Fatalf("mark the store as complete: %d %s", a.Status, a.Body)
	}
}

// StoreID of the server's store.
func (s *Server) StoreID(t testing.TB) string {
	t.Helper()
	var i oauth.Inventory
	must(t, json.Unmarshal([]byte(s.SendText(t, http.MethodGet, "/registrar/v1/inventory?limit=1", RegistrarToken, "").Body), &i))
	return i.StoreID
}

// Stop the server and return how it ended. It may be called more than once.
func (s *Server) Stop() error {
	s.once.Do(func() {
		// The server would wait five seconds for connections that were made and
		// never used.
		http.DefaultClient.CloseIdleConnections()
		s.transport.CloseIdleConnections()
		s.stop()
		s.err = <-s.done
	})
	return s.err
}

// Reload puts Settings, Signing and ServerKeys into force.
func (s *Server) Reload(t testing.TB) {
	t.Helper()
	must(t, s.Apply(context.Background(), s.Snapshot()))
}

// Snapshot of Settings, Signing and ServerKeys. The server keeps what it is given
// and reads it at any time, so the snapshot shares no memory with the fields, which
// a test may change.
func (s *Server) Snapshot() authserver.Snapshot {
	settings, signing, serverKeys := s.Settings, s.Signing, s.ServerKeys
	settings.Registration.PrivateUseSchemes = slices.Clone(settings.Registration.PrivateUseSchemes)
	signing.Keys, signing.Dead = slices.Clone(signing.Keys), slices.Clone(signing.Dead)
	serverKeys.Keys = slices.Clone(serverKeys.Keys)
	return authserver.Snapshot{Settings: &settings, Signing: &signing, ServerKeys: &serverKeys}
}

// roles counts the roles that servers have had.
var roles atomic.Int64

// openStore opens the server's store under a database role of its own. The number is not
// the port: a later server can get the port of one that was stopped.
func (s *Server) openStore(t testing.TB, c Config) {
	s.role = s.database.schema + "_" + strconv.FormatInt(roles.Add(1), 10)
	db := s.database.open(t, s.role, s.Clock.Now, c.Poll)
	s.close = sync.OnceValue(db.Close)
	t.Cleanup(func() { must(t, s.close()) })
	s.Store = db
	if c.Wrap != nil {
		s.Store = c.Wrap(db)
	}
}

func (s *Server) settings(c Config) {
	s.Settings = c.Settings
	s.Settings.Users = !c.MachinesOnly
	if s.Settings.Issuer == "" {
		s.Settings.Issuer = s.URL + c.IssuerPath
	}
	if s.Settings.JWKSMaxAge == 0 {
		s.Settings.JWKSMaxAge = 5 * time.Minute
	}
	s.Issuer = s.Settings.Issuer
}

func (s *Server) logger(c Config) *slog.Logger {
	if c.Discard {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewJSONHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// SigningKeys makes a key set with an active key, and a standby, per algorithm.
func SigningKeys(t testing.TB, now time.Time, algorithms ...string) keys.Set {
	t.Helper()
	var set keys.Set
	for _, alg := range algorithms {
		active, err := keys.Generate(alg, now)
		must(t, err)
		active.Phase, active.Activated = keys.Active, &now
		standby, err := keys.Generate(alg, now)
		must(t, err)
		standby.Phase = keys.Published
		set.Keys = append(set.Keys, active, standby)
	}
	return set
}

// silent is a source that delivers nothing: tests call Apply.
type silent struct{}

// Run implements authserver.Source.
func (silent) Run(ctx context.Context, _ func(authserver.Snapshot)) error {
	<-ctx.Done()
	return nil
}

// Log keeps what the server logs.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all that was logged.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// transport trusts the server's certificate.
func transport(t testing.TB, c Config) *http.Transport {
	t.Helper()
	if c.Certificate == nil {
		return http.DefaultTransport.(*http.Transport)
	}
	leaf, err := x509.ParseCertificate(c.Certificate.Certificate[0])
	must(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	return l
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
