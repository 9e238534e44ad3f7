// Package idptest runs an OpenID provider that is not ours, on a loopback port,
// for tests of signing in at one. Test only.
package idptest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Options of a Provider.
type Options struct {
	// RedirectURI of its only client.
	RedirectURI string
	// BasicOnly: it takes client_secret_basic only, and its metadata says so.
	BasicOnly bool
}

// The client and the person that every Provider knows. The person is signed in
// without being asked anything.
const (
	ClientID     = "clientele"
	ClientSecret = "s3cret+/ä %" // with characters that must be encoded
	Subject      = "4711"
)

// Provider is a running OpenID provider.
type Provider struct {
	Issuer string
	// Posted says whether the last token request had the secret in its body.
	Posted atomic.Bool
	// Down answers 503 to everything, Slow nothing at all.
	Down, Slow atomic.Bool
	// Tamper, unless nil, changes the ID tokens that are given out. Set it before
	// the token request.
	Tamper func(idToken string) string
	// SignedOn, unless nil, is since when the person is signed on: only a request
	// with prompt=login authenticates them anew. The zero time: nothing is said of
	// when. Set it before the browser is sent there.
	SignedOn *time.Time
	// IgnoresPrompt: not even prompt=login does.
	IgnoresPrompt bool

	handler http.Handler
	client  *http.Client
}

// Start a provider, and stop it when the test ends.
func Start(t testing.TB, o Options) *Provider {
	t.Helper()
	p := &Provider{}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.Issuer = server.URL
	p.client = &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), p.Issuer+"/") {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	client := storage.WebClient(ClientID, ClientSecret, o.RedirectURI)
	people := store{storage.NewStorageWithClients(person{}, map[string]*storage.Client{ClientID: client}), p}
	provider, err := op.NewProvider(
		&op.Config{CodeMethodS256: true, AuthMethodPost: !o.BasicOnly, SupportedScopes: []string{"openid", "profile", "email"}},
		people, op.StaticIssuer(p.Issuer), op.WithAllowInsecure(), op.WithLogger(slog.New(slog.DiscardHandler)),
	)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	callback := op.AuthCallbackURL(provider)
	mux.Handle("/login/username", op.NewIssuerInterceptor(provider.IssuerFromRequest).HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("authRequestID")
		if err := people.CheckUsernamePassword("", "", id); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, callback(r.Context(), id), http.StatusFound)
	}))
	mux.Handle("/", provider)
	p.handler = mux
	return p
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.Down.Load() {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	if p.Slow.Load() {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it noticed that the caller went away
		<-r.Context().Done()
		return
	}
	if r.Method == http.MethodPost {
		p.Posted.Store(r.FormValue("client_secret") != "")
	}
	if p.Tamper == nil || r.Method != http.MethodPost {
		p.handler.ServeHTTP(w, r)
		return
	}
	recorded := httptest.NewRecorder()
	p.handler.ServeHTTP(recorded, r)
	answer := map[string]any{}
	_ = json.Unmarshal(recorded.Body.Bytes(), &answer)
	token, _ := answer["id_token"].(string)
	answer["id_token"] = p.Tamper(token)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(recorded.Code)
	_ = json.NewEncoder(w).Encode(answer)
}

// SignIn takes a browser that was sent to location through the provider, and
// returns where it sends the browser back to.
func (p *Provider) SignIn(t testing.TB, location string) *url.URL {
	t.Helper()
	response, err := p.client.Get(location)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // it has been read
	body, _ := io.ReadAll(response.Body)
	back, err := response.Location()
	if err != nil {
		t.Fatalf("the provider answered %s without sending the browser back: %s", response.Status, body)
	}
	return back
}

// store says more of the person than the library's own.
type store struct {
	*storage.Storage
	provider *Provider
}

// AuthRequestByCode is called by the token endpoint.
func (s store) AuthRequestByCode(ctx context.Context, code string) (op.AuthRequest, error) {
	r, err := s.Storage.AuthRequestByCode(ctx, code)
	request, ok := r.(*storage.AuthRequest)
	p := s.provider
	if err != nil || !ok || p.SignedOn == nil || slices.Contains(request.Prompt, oidc.PromptLogin) && !p.IgnoresPrompt {
		return r, err
	}
	return signedOn{request, *p.SignedOn}, nil
}

// signedOn is a request of somebody who was not asked anything.
type signedOn struct {
	*storage.AuthRequest
	since time.Time
}

// GetAuthTime is the ID token's auth_time.
func (s signedOn) GetAuthTime() time.Time { return s.since }

// SetUserinfoFromToken is called by the UserInfo endpoint.
func (s store) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, tokenID, subject, origin string) error {
	info.AppendClaims("groups", []string{"staff", "ops"})
	return s.Storage.SetUserinfoFromToken(ctx, info, tokenID, subject, origin)
}

// person is the only user.
type person struct{}

func (person) GetUserByID(id string) *storage.User {
	if id != Subject {
		return nil
	}
	return &storage.User{ID: Subject, Username: "ada", FirstName: "Ada", LastName: "Byron", Email: "ada@example.com", EmailVerified: true}
}

func (p person) GetUserByUsername(string) *storage.User { return p.GetUserByID(Subject) }

func (person) ExampleClientID() string { return "" }
