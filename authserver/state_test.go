package authserver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// failing is a store that can be cut off.
type failing struct {
	store.Store
	reads, leases atomic.Bool
}

var errCut = errors.New("disk I/O error")

func (f *failing) Changes(ctx context.Context, id string, since int64) (store.Changes, error) {
	if f.reads.Load() {
		return store.Changes{}, errCut
	}
	return f.Store.Changes(ctx, id, since)
}

func (f *failing) RenewLease(ctx context.Context, r oauth.Replica) error {
	if f.leases.Load() {
		return errCut
	}
	return f.Store.RenewLease(ctx, r)
}

func (f *failing) wrap(s store.Store) store.Store {
	f.Store = s
	return f
}

// startFailing starts a server whose store can be made to fail, and gets a token.
func startFailing(t *testing.T, on authtest.Config) (*failing, *authtest.Server, authtest.Client) {
	t.Helper()
	f := &failing{}
	on.Wrap = f.wrap
	s := authtest.Start(t, on)
	c := s.MustRegister(t, authtest.NewClient("app"))
	s.MustToken(t, c)
	return f, s, c
}

// stopped checks that a replica does not issue, and says so. It tells its keys, and stays
// ready: all replicas have the same database.
func stopped(t *testing.T, s *authtest.Server, c authtest.Client, what string) {
	t.Helper()
	if a := s.Token(t, c); a.Status != 503 || a.Error() != "temporarily_unavailable" || a.Header.Get("Retry-After") == "" {
		t.Errorf("token: %d %s, want 503", a.Status, a.Body)
	}
	for _, path := range []string{"/.well-known/jwks.json", "/.well-known/oauth-authorization-server"} {
		if a := s.Do(t, "GET", path, ""); a.Status != 200 {
			t.Errorf("%s: %d", path, a.Status)
		}
	}
	if a := s.Do(t, "GET", "/readyz", ""); a.Status != 200 || !strings.Contains(a.Body, "no tokens are issued") || !strings.Contains(a.Body, what) {
		t.Errorf("readyz: %d %q, want it to name %q", a.Status, a.Body, what)
	}
	if a := s.Do(t, "GET", "/healthz", ""); a.Status != 200 {
		t.Errorf("healthz: %d", a.Status)
	}
}

func TestF13ReplicaWithoutALeaseStopsIssuing(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		f, s, c := startFailing(t, on)
		s.Clock.Advance(29 * time.Second)
		waitConfirmed(t, s)
		s.MustToken(t, c)
		f.leases.Store(true)
		s.Clock.Advance(2 * time.Second)
		stopped(t, s, c, "lease")
		f.leases.Store(false)
		s.Reload(t)
		waitConfirmed(t, s)
		s.MustToken(t, c)
	})
}

func TestF13ReplicaThatCannotConfirmItsViewStopsIssuing(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		f, s, c := startFailing(t, on)
		f.reads.Store(true)
		s.Clock.Advance(31 * time.Second)
		s.Reload(t) // the lease is renewed, the view is not
		stopped(t, s, c, "store")
		f.reads.Store(false)
		waitConfirmed(t, s)
		s.MustToken(t, c)
	})
}

// waitConfirmed waits until the registry has read the store at the clock's time.
func waitConfirmed(t *testing.T, s *authtest.Server) {
	t.Helper()
	awaitReady(t, s, func(text string) bool { return !strings.Contains(text, "store:") })
}

// awaitReady waits until readyz says what is wanted.
func awaitReady(t *testing.T, s *authtest.Server, wanted func(text string) bool) {
	t.Helper()
	eventually(t, func() string {
		if text := s.Do(t, "GET", "/readyz", "").Body; !wanted(text) {
			return fmt.Sprintf("readyz still says %q", text)
		}
		return ""
	})
}

// eventually waits until there is no problem any more.
func eventually(t *testing.T, problem func() string) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(30 * time.Second)
	for said := problem(); said != ""; said = problem() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatal(said)
		}
	}
}

func TestReadinessNamesWhatIsMissing(t *testing.T) {
	s := authtest.Start(t, authtest.Config{Bare: true})
	ready := func() string { return s.Do(t, "GET", "/readyz", "").Body }
	apply := func(n authserver.Snapshot) {
		t.Helper()
		if err := s.Apply(context.Background(), n); err != nil {
			t.Fatal(err)
		}
	}
	if a := s.Do(t, "GET", "/.well-known/openid-configuration", ""); a.Status != 503 {
		t.Errorf("metadata without settings: %d", a.Status)
	}
	apply(authserver.Snapshot{Waiting: []string{"AuthorizationServer x/y does not exist"}})
	if got := ready(); !strings.Contains(got, "settings") || !strings.Contains(got, "x/y does not exist") {
		t.Errorf("readyz: %q", got)
	}
	apply(authserver.Snapshot{Settings: s.Snapshot().Settings})
	if got := ready(); !strings.Contains(got, "signing key") || !strings.Contains(got, "server keys") {
		t.Errorf("readyz: %q", got)
	}
	apply(authserver.Snapshot{ServerKeys: s.Snapshot().ServerKeys})
	c := s.MustRegister(t, authtest.NewClient("app"))
	if got := ready(); !strings.Contains(got, "signing key") || strings.Contains(got, "server keys") {
		t.Errorf("readyz: %q", got)
	}
	if a := s.Token(t, c); a.Status != 503 {
		t.Errorf("token without a signing key: %d", a.Status)
	}
	apply(authserver.Snapshot{Signing: s.Snapshot().Signing})
	if got := ready(); got != "ok\n" {
		t.Errorf("readyz: %q", got)
	}
	s.MustToken(t, c)
	// What was there stays in force when its object is deleted (F28).
	apply(authserver.Snapshot{Waiting: []string{"Secret x/y does not exist"}})
	s.MustToken(t, c)
	if got := ready(); got != "ok\n" {
		t.Errorf("readyz: %q", got)
	}
}

func TestF28KeyRotationTakesEffectWithoutARestart(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := s.MustRegister(t, authtest.NewClient("app"))
	old := s.MustToken(t, c)
	oldETag := s.Do(t, "GET", "/.well-known/jwks.json", "").Header.Get("ETag")

	now := s.Clock.Now()
	s.Signing.Keys[0].Phase, s.Signing.Keys[0].Retired = keys.Retiring, &now
	s.Signing.Keys[1].Phase, s.Signing.Keys[1].Activated = keys.Active, &now
	s.Clock.Advance(1500 * time.Millisecond)
	s.Reload(t)

	fresh := s.MustToken(t, c)
	if header(t, fresh)["kid"] != s.Signing.Keys[1].KID || header(t, old)["kid"] != s.Signing.Keys[0].KID {
		t.Errorf("kid before %v, after %v", header(t, old), header(t, fresh))
	}
	claims(t, s.Issuer, s.Issuer, old)
	claims(t, s.Issuer, s.Issuer, fresh)
	if a := s.Do(t, "GET", "/.well-known/jwks.json", "", "If-None-Match", oldETag); a.Status != 200 {
		// The same keys in other phases are the same JWK Set.
		if !strings.Contains(s.Do(t, "GET", "/.well-known/jwks.json", "").Body, s.Signing.Keys[0].KID) {
			t.Error("the retiring key left the JWKS")
		}
	}
	// The lease tells the new revision at once, and no earlier time than it was served.
	a := s.Do(t, "GET", "/registrar/v1/replicas", "", "Authorization", "Bearer "+authtest.RegistrarToken)
	replica := a.JSON()["replicas"].([]any)[0].(map[string]any)
	if replica["key_set_revision"] != s.Signing.Revision() {
		t.Errorf("the lease tells %v", replica)
	}
	if since := replica["serving_since"].(float64); since < float64(s.Clock.Now().UnixNano())/1e9 {
		t.Errorf("serving since %v, but it is served only since %v", since, s.Clock.Now())
	}
}

func TestChangeOfAlgorithmSignsWithTheOldKeyUntilThereIsANewOne(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := s.MustRegister(t, authtest.NewClient("app"))
	s.Settings.Algorithm = keys.RS256
	s.Reload(t)
	if alg := header(t, s.MustToken(t, c))["alg"]; alg != keys.ES256 {
		t.Errorf("alg %v", alg)
	}
	s.Signing.Keys = append(s.Signing.Keys, authtest.SigningKeys(t, s.Clock.Now(), keys.RS256).Keys...)
	s.Reload(t)
	token := s.MustToken(t, c)
	if alg := header(t, token)["alg"]; alg != keys.RS256 {
		t.Errorf("alg %v", alg)
	}
	claims(t, s.Issuer, s.Issuer, token)
}

func TestSettingsReload(t *testing.T) {
	s := authtest.Start(t, authtest.Config{})
	c := s.MustRegister(t, authtest.NewClient("app"))
	s.MustToken(t, c)
	s.Settings.AccessTokenLifetime = time.Minute
	s.Reload(t)
	if a := s.Token(t, c); a.JSON()["expires_in"] != 60.0 {
		t.Errorf("the new lifetime is not in force: %s", a.Body)
	}
}

func TestF9OtherServerKeysAreTheLossOfTheStore(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		c := s.MustRegister(t, authtest.NewClient("app"))
		inventory := func() authtest.Answer {
			return s.Do(t, "GET", "/registrar/v1/inventory", "", "Authorization", "Bearer "+authtest.RegistrarToken)
		}
		before := inventory().Member("store_id")
		var err error
		if s.ServerKeys, err = credential.NewServerKeys(s.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		s.Reload(t)
		after := inventory()
		if after.Member("store_id") == before || strings.Contains(after.Body, "apps.app") {
			t.Errorf("the store was kept: %s", after.Body)
		}
		if a := s.Token(t, c); a.Status != 503 {
			t.Errorf("O20: token from a lost store that is not complete: %d", a.Status)
		}
		s.Complete(t)
		if a := s.Token(t, c); a.Status != 401 {
			t.Errorf("token from a lost store: %d", a.Status)
		}
		s.MustRegister(t, c)
		s.MustToken(t, c)
	})
}

func TestNoWriteToTheStorePerToken(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		s.MustPutPolicy(t, authtest.Policy("p1", orders, "read"))
		c := s.MustRegister(t, authtest.NewClient("app", withScopes("read", orders)))
		before := s.Store.Writes()
		if before == 0 {
			t.Fatal("the counter counts nothing")
		}
		lines := strings.Count(s.Log.String(), "\n")
		for range 1000 {
			s.MustToken(t, c)
		}
		if n := s.Store.Writes() - before; n != 0 {
			t.Errorf("%d writes for a thousand tokens", n)
		}
		if n := strings.Count(s.Log.String(), "\n") - lines; n != 0 {
			t.Errorf("%d log lines for a thousand tokens", n)
		}
	})
}

func TestGracefulShutdown(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		s := authtest.Start(t, on)
		all := s.Do(t, "GET", "/registrar/v1/inventory", "", "Authorization", "Bearer "+authtest.RegistrarToken)
		poll, err := http.NewRequest("GET", s.URL+"/registrar/v1/changes?wait=55&store_id="+all.Member("store_id")+fmt.Sprintf("&since=%.0f", all.JSON()["revision"]), nil)
		if err != nil {
			t.Fatal(err)
		}
		poll.Header.Set("Authorization", "Bearer "+authtest.RegistrarToken)
		arrived := make(chan struct{}, 1)
		s.Registrars.OnAuthorize(func() { arrived <- struct{}{} })
		ended := make(chan int, 1)
		go func() {
			response, err := http.DefaultTransport.RoundTrip(poll)
			if err != nil {
				ended <- -1
				return
			}
			_ = response.Body.Close()
			ended <- response.StatusCode
		}()
		<-arrived
		began := time.Now()
		if err := s.Stop(); err != nil {
			t.Fatalf("stop: %v", err)
		}
		if status := <-ended; status != 200 {
			t.Errorf("the long poll ended with %d", status)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("stopping took %v: the long poll was waited for", took)
		}
		replicas, err := s.Store.Replicas(context.Background(), s.Clock.Now())
		if err != nil || len(replicas) != 0 {
			t.Errorf("leases after the stop: %v, %v", replicas, err)
		}
	})
}

// told is a source that a test feeds.
type told chan authserver.Snapshot

// Run implements authserver.Source.
func (c told) Run(ctx context.Context, deliver func(authserver.Snapshot)) error {
	for {
		select {
		case s := <-c:
			deliver(s)
		case <-ctx.Done():
			return nil
		}
	}
}

func TestSnapshotThatCannotBePutIntoForceIsTriedAgain(t *testing.T) {
	f, source := &failing{}, make(told)
	s := authtest.Start(t, authtest.Config{Bare: true, Wrap: f.wrap, Source: source})
	f.reads.Store(true)
	source <- authserver.Snapshot{Settings: s.Snapshot().Settings, ServerKeys: s.Snapshot().ServerKeys}
	source <- authserver.Snapshot{Signing: s.Snapshot().Signing} // merged with the first, in whatever order they are seen
	awaitReady(t, s, func(text string) bool { return strings.Contains(text, "store: it has not been read yet") })
	if a := s.Register(t, authtest.NewClient("app").Registration); a.Status != 503 && a.Status != 500 {
		t.Errorf("registration without a store: %d %s", a.Status, a.Body)
	}
	f.reads.Store(false)
	awaitReady(t, s, func(text string) bool { return text == "ok\n" })
	s.MustToken(t, s.MustRegister(t, authtest.NewClient("app")))
}
