package registrar

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"github.com/go-logr/logr"
)

// script answers the inventory API from a list that the test moves on.
type script struct {
	*httptest.Server
	mu    sync.Mutex
	inv   oauth.Inventory
	fail  int // a status; 0: none
	polls int
	moved chan struct{}
	// userinfo is in the metadata; users is the digest, and storage the state, that the last
	// poll named.
	userinfo, users, storage string
	// protocol and version are in the metadata; replicas is the list of them, nil: they
	// cannot be asked. sent counts registrations.
	protocol int
	version  string
	replicas []oauth.Replica
	sent     int
}

func newScript(t *testing.T) *script {
	s := &script{moved: make(chan struct{}, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(oauth.ServerMetadata{Issuer: s.URL, TokenEndpoint: s.URL + "/t", JWKSURI: s.URL + "/j", RegistrationEndpoint: s.URL + "/r", UserinfoEndpoint: s.userinfo, Protocol: s.protocol, Version: s.version})
	})
	mux.HandleFunc("GET /registrar/v1/replicas", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.replicas == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(oauth.ReplicaList{StoreID: s.inv.StoreID, Replicas: s.replicas})
	})
	mux.HandleFunc("POST /r", func(w http.ResponseWriter, _ *http.Request) {
		s.set(func() { s.sent++ })
		_ = json.NewEncoder(w).Encode(oauth.RegistrationResponse{Registration: oauth.Registration{ClientID: "ns.app"}, Digest: "d", StoreID: "one"})
	})
	mux.HandleFunc("GET /registrar/v1/inventory", func(w http.ResponseWriter, _ *http.Request) { s.reply(w, false) })
	mux.HandleFunc("GET /registrar/v1/changes", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.users, s.storage = r.URL.Query().Get("users"), r.URL.Query().Get("storage")
		s.mu.Unlock()
		if r.URL.Query().Get("wait") != "0" {
			select {
			case <-s.moved:
			case <-r.Context().Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
		s.reply(w, r.URL.Query().Get("store_id") != s.current().StoreID)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *script) current() oauth.Inventory {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inv
}

func (s *script) reply(w http.ResponseWriter, reset bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.polls++
	if s.fail != 0 {
		w.WriteHeader(s.fail)
		return
	}
	answer := s.inv
	answer.Reset = reset
	_ = json.NewEncoder(w).Encode(answer)
}

func (s *script) set(change func()) {
	s.mu.Lock()
	change()
	s.mu.Unlock()
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

// object is the AuthorizationServer of the script.
func (s *script) object() *v1alpha1.AuthorizationServer {
	as := &v1alpha1.AuthorizationServer{}
	as.Namespace, as.Name, as.UID, as.Spec.Issuer = "system", "default", "uid", s.URL
	return as
}

func quickServers() *Servers {
	return NewServers(Options{
		Tokens: &tokens{life: time.Hour, now: time.Now}, Now: time.Now, Log: logr.Discard(),
		PollWait: time.Second, Pace: time.Millisecond, RetryMin: time.Millisecond, RetryMax: 5 * time.Millisecond,
	})
}

// What the server says of users is told once, and where it is about another
// generation the endpoints are read again.
func TestPollTakesWhatTheServerSaysOfUsers(t *testing.T) {
	script := newScript(t)
	script.inv = oauth.Inventory{StoreID: "one", Revision: 1}
	servers := quickServers()
	news := 0
	servers.Subscribe(Subscriber{Server: func(Key) { news++ }})
	server := servers.For(script.object())
	poll := func() int {
		t.Helper()
		news = 0
		if err := server.Poll(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		return news
	}
	poll() // the inventory
	if poll() != 0 || script.users != oauth.NoUsersReport || server.State().Users != nil {
		t.Errorf("nothing said: asked with %q, state %+v", script.users, server.State().Users)
	}
	first := oauth.NewUsersReport(1, nil)
	script.set(func() { script.inv.Users = first })
	if poll() != 1 || server.State().Users.Digest != first.Digest {
		t.Errorf("the first report: told %d times, state %+v", news, server.State().Users)
	}
	if poll() != 0 || script.users != first.Digest {
		t.Errorf("the same again: told %d times, asked with %q", news, script.users)
	}
	script.set(func() {
		script.userinfo = script.URL + "/userinfo"
		script.inv.Users = oauth.NewUsersReport(1, []oauth.UsersProblem{{Reason: oauth.UsersPending}})
	})
	if poll() != 1 || server.State().Endpoints.Userinfo != "" {
		t.Errorf("a problem: told %d times, endpoints %+v", news, server.State().Endpoints)
	}
	script.set(func() { script.inv.Users = oauth.NewUsersReport(2, nil) })
	if poll() != 1 || server.State().Endpoints.Userinfo == "" {
		t.Errorf("another generation: told %d times, endpoints %+v", news, server.State().Endpoints)
	}
}

func TestFollowNoticesChangesLossAndRecovery(t *testing.T) {
	script := newScript(t)
	script.inv = oauth.Inventory{StoreID: "one", Revision: 1}
	servers := quickServers()
	clients, recovered, news := make(chan string, 100), make(chan struct{}, 100), make(chan struct{}, 100)
	servers.Subscribe(Subscriber{
		Client:    func(_ Key, o Owner) { clients <- o.Name },
		Recovered: func(Key) { recovered <- struct{}{} },
		Server:    func(Key) { news <- struct{}{} },
	})
	server := servers.For(script.object())
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- servers.Start(ctx) }()

	<-recovered
	script.set(func() { script.inv.Revision, script.inv.Clients = 2, []oauth.ClientEntry{entry("a", "1")} })
	if got := <-clients; got != "a" {
		t.Errorf("told of %q", got)
	}
	script.set(func() { script.fail = http.StatusServiceUnavailable })
	for server.State().Err == nil { // other news come first
		<-news
	}
	if Explain(server.State().Err).Reason != v1alpha1.ReasonServerError {
		t.Errorf("state: %v", server.State().Err)
	}
	script.set(func() { script.fail = 0 })
	<-recovered
	script.set(func() { script.inv = oauth.Inventory{StoreID: "two", Revision: 1} })
	if got := <-clients; got != "a" {
		t.Errorf("the loss was told for %q", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestO1TheWholeInventoryIsCompared: what the list of changes did not tell is found when
// the whole inventory is read again.
func TestO1TheWholeInventoryIsCompared(t *testing.T) {
	script := newScript(t)
	script.inv = oauth.Inventory{StoreID: "one", Revision: 1, Clients: []oauth.ClientEntry{entry("a", "1")}}
	now := time.Now()
	servers := NewServers(Options{Tokens: &tokens{life: 24 * time.Hour, now: time.Now}, Now: func() time.Time { return now }, Log: logr.Discard()})
	var told []string
	servers.Subscribe(Subscriber{Client: func(_ Key, o Owner) { told = append(told, o.Name) }})
	server := servers.For(script.object())
	poll := func() bool {
		t.Helper()
		if err := server.Poll(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		_, known := server.Inventory().Client(Owner{Namespace: "ns", Name: "a"})
		return known
	}
	if !poll() {
		t.Fatal("the inventory was not read")
	}
	script.set(func() { script.inv.Clients = nil }) // and no change is told
	if told = nil; !poll() || len(told) > 0 {
		t.Fatalf("the list of changes told: %q", told)
	}
	if now = now.Add(8 * time.Minute); !poll() {
		t.Error("compared too early")
	}
	if now = now.Add(4 * time.Minute); poll() || !slices.Equal(told, []string{"a"}) {
		t.Errorf("after ten minutes: told %q", told)
	}
}

func TestFollowKeepsItsPace(t *testing.T) {
	script := newScript(t)
	script.inv = oauth.Inventory{StoreID: "one", Revision: 1}
	servers := NewServers(Options{
		Tokens: &tokens{life: time.Hour, now: time.Now}, Now: time.Now, Log: logr.Discard(),
		PollWait: time.Second, Pace: time.Hour,
	})
	recovered := make(chan struct{}, 1)
	servers.Subscribe(Subscriber{Recovered: func(Key) { recovered <- struct{}{} }})
	as := &v1alpha1.AuthorizationServer{}
	as.Namespace, as.Name, as.UID, as.Spec.Issuer = "system", "default", "uid", script.URL
	servers.For(as)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- servers.Start(ctx) }()
	<-recovered
	for range 50 {
		script.set(func() { script.inv.Revision++ })
	}
	stop()
	<-ended
	if script.polls != 1 {
		t.Errorf("%d polls", script.polls)
	}
}

// What the server says of its storage is told once per state and message, and the next
// poll names the state. A server too old to say something leaves it unknown.
func TestPollTakesWhatTheServerSaysOfItsStorage(t *testing.T) {
	script := newScript(t)
	script.inv = oauth.Inventory{StoreID: "one", Revision: 1}
	servers := quickServers()
	news := 0
	servers.Subscribe(Subscriber{Server: func(Key) { news++ }})
	server := servers.For(script.object())
	poll := func() int {
		t.Helper()
		news = 0
		if err := server.Poll(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		return news
	}
	poll() // the inventory
	if poll() != 0 || script.storage != oauth.NoStorageReport || server.State().Storage != nil {
		t.Errorf("nothing said: asked with %q, state %+v", script.storage, server.State().Storage)
	}
	for _, said := range []oauth.StorageReport{
		{State: oauth.StorageAvailable}, {State: oauth.StorageUnreachable, Message: "one way"}, {State: oauth.StorageUnreachable, Message: "another way"}, {State: oauth.StorageAvailable},
	} {
		script.set(func() { script.inv.Storage = &said })
		if n := poll(); n != 1 || server.State().Storage == nil || *server.State().Storage != said {
			t.Errorf("%+v: told %d times, state %+v", said, n, server.State().Storage)
		}
		if n := poll(); n != 0 || script.storage != string(said.State) {
			t.Errorf("%+v again: told %d times, asked with %q", said, n, script.storage)
		}
	}
	script.set(func() { script.inv.Storage = nil })
	if poll() != 0 || server.State().Storage == nil {
		t.Errorf("nothing said any more: told %d times, state %+v", news, server.State().Storage)
	}
}
