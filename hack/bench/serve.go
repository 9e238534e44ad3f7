package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	_ "net/http/pprof" // for -profiles
	"os"
	"time"

	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store/storetest"
)

// cluster is what an other half that serves prints: what it takes to load it.
type cluster struct {
	// Replicas, host:port. All are the same issuer, which is the first's address.
	Replicas []string
	// Inside is where the calls of the store are counted, and profiles taken.
	Inside string
	// Registrar is the bearer token of one, Secret the app's.
	Registrar, Secret string
	// Cookies of the people, as a header's value.
	Cookies []string
}

// serve runs replicas of a real authorization server on one storage, with an app
// and people who need do nothing more, until the standard input ends.
func serve(at storage, replicas int) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); stop() }()
	p, err := newEnsemble(replicas)
	if err != nil {
		return err
	}
	ended := make(chan error, replicas)
	for i := range replicas {
		if err := p.start(ctx, at, i, ended); err != nil {
			return err
		}
	}
	if err := p.furnish(ctx); err != nil {
		return err
	}
	go func() { _ = http.Serve(p.inside, nil) }() //nolint:gosec // loopback, and ends with the process
	if err := json.NewEncoder(os.Stdout).Encode(p.cluster); err != nil {
		return err
	}
	var errs []error
	for range replicas {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}

// ensemble is what the replicas have in common.
type ensemble struct {
	cluster   cluster
	snapshot  authserver.Snapshot
	listeners []net.Listener
	inside    net.Listener
	users     *signin.Local
	store     *storetest.Counting // of the first
}

func newEnsemble(replicas int) (*ensemble, error) {
	p := &ensemble{}
	for range replicas {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		p.listeners = append(p.listeners, l)
		p.cluster.Replicas = append(p.cluster.Replicas, l.Addr().String())
	}
	var err error
	if p.inside, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	p.cluster.Inside = p.inside.Addr().String()
	p.cluster.Registrar, p.cluster.Secret = credential.NewID(), credential.NewClientSecret().Reveal()
	if p.users, err = local(); err != nil {
		return nil, err
	}
	return p, p.makeSnapshot()
}

// makeSnapshot makes settings and keys.
func (p *ensemble) makeSnapshot() error {
	now := time.Now()
	serverKeys, err := credential.NewServerKeys(now)
	if err != nil {
		return err
	}
	signing, err := keys.Generate(keys.ES256, now)
	if err != nil {
		return err
	}
	signing.Phase, signing.Activated = keys.Active, &now
	p.snapshot = authserver.Snapshot{
		Settings:   &endpoint.Settings{Issuer: p.issuer(), JWKSMaxAge: 5 * time.Minute, Users: true},
		Signing:    &keys.Set{Keys: []keys.Key{signing}},
		ServerKeys: &serverKeys,
	}
	return nil
}

func (p *ensemble) issuer() string { return "http://" + p.cluster.Replicas[0] }

// start a replica with a store of its own, and wait until it is ready.
func (p *ensemble) start(ctx context.Context, at storage, i int, ended chan<- error) error {
	opened, err := at.open(ctx)
	if err != nil {
		return err
	}
	s := &storetest.Counting{Store: opened}
	if i == 0 {
		p.store = s
	}
	server, err := authserver.New(authserver.Options{
		Store: s, Source: once(p.snapshot), Users: p.users, Registrars: registrar(p.cluster.Registrar),
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})), Now: time.Now,
	})
	if err != nil {
		return err
	}
	go func() {
		ended <- errors.Join(server.Serve(ctx, authserver.Listeners{Endpoints: p.listeners[i]}), s.Close())
	}()
	return awaitOK(ctx, "http://"+p.cluster.Replicas[i]+"/readyz")
}

// once is a source that delivers one snapshot.
type once authserver.Snapshot

// Run implements authserver.Source.
func (o once) Run(ctx context.Context, deliver func(authserver.Snapshot)) error {
	deliver(authserver.Snapshot(o))
	<-ctx.Done()
	return nil
}

// registrar authorizes the holder of one token.
type registrar string

// Authorize implements endpoint.RegistrarAuthorizer.
func (r registrar) Authorize(_ context.Context, bearer string) (endpoint.Caller, error) {
	if bearer != string(r) {
		return endpoint.Caller{}, oauth.InvalidToken("not the bench's")
	}
	return endpoint.Caller{Cluster: "bench", User: "bench", Manage: true}, nil
}

// furnish registers the app, puts the policy into force and signs everybody in.
func (p *ensemble) furnish(ctx context.Context) error {
	http.HandleFunc("/calls", func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(p.store.Calls()) })
	r := registrarAt{addr: p.cluster.Replicas[0], token: p.cluster.Registrar}
	policy := everybody()
	if err := r.send(ctx, http.MethodPut, "/registrar/v1/resources/"+policy.UID, policy); err != nil {
		return fmt.Errorf("put the policy: %w", err)
	}
	if err := r.send(ctx, http.MethodPost, "/oauth/register", app(credential.Secret(p.cluster.Secret), 1, false)); err != nil {
		return fmt.Errorf("register the app: %w", err)
	}
	cookies, err := signin.NewCookies(p.issuer())
	if err != nil {
		return err
	}
	visit := cookies.PreSession(signin.NewCookieValue())
	for i := range people {
		value, err := signedIn(ctx, p.store, p.users, personID(i))
		if err != nil {
			return err
		}
		session := cookies.Session(value, 0)
		p.cluster.Cookies = append(p.cluster.Cookies, fmt.Sprintf("%s=%s; %s=%s", session.Name, session.Value, visit.Name, visit.Value))
	}
	return nil
}
