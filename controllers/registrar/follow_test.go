package registrar

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
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
}

func newScript(t *testing.T) *script {
	s := &script{moved: make(chan struct{}, 100)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(oauth.ServerMetadata{Issuer: s.URL, TokenEndpoint: s.URL + "/t", JWKSURI: s.URL + "/j", RegistrationEndpoint: s.URL + "/r"})
	})
	mux.HandleFunc("GET /registrar/v1/inventory", func(w http.ResponseWriter, _ *http.Request) { s.reply(w, false) })
	mux.HandleFunc("GET /registrar/v1/changes", func(w http.ResponseWriter, r *http.Request) {
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

func TestFollowNoticesChangesLossAndRecovery(t *testing.T) {
	script := newScript(t)
	script.inv = oauth.Inventory{StoreID: "one", Revision: 1}
	servers := NewServers(Options{
		Tokens: &tokens{life: time.Hour, now: time.Now}, Now: time.Now, Log: logr.Discard(),
		PollWait: time.Second, Pace: time.Millisecond, RetryMin: time.Millisecond, RetryMax: 5 * time.Millisecond,
	})
	clients, recovered, news := make(chan string, 100), make(chan struct{}, 100), make(chan struct{}, 100)
	servers.Subscribe(Subscriber{
		Client:    func(_ Key, o Owner) { clients <- o.Name },
		Recovered: func(Key) { recovered <- struct{}{} },
		Server:    func(Key) { news <- struct{}{} },
	})
	as := &v1alpha1.AuthorizationServer{}
	as.Namespace, as.Name, as.UID, as.Spec.Issuer = "system", "default", "uid", script.URL
	server := servers.For(as)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- servers.Start(ctx) }()

	<-recovered
	script.set(func() { script.inv.Revision, script.inv.Clients = 2, []oauth.ClientEntry{entry("a", "1")} })
	if got := <-clients; got != "a" {
		t.Errorf("told of %q", got)
	}
	drain(news)
	script.set(func() { script.fail = http.StatusServiceUnavailable })
	<-news
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

func drain(c chan struct{}) {
	for {
		select {
		case <-c:
		default:
			return
		}
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
