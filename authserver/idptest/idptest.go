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

// The client and the person that every Provider knows. The person, Ada, is signed in
// without being asked anything. There is a second one, Grace.
const (
	ClientID     = "clientele"
	ClientSecret = "s3cret+/ä %" // with characters that must be encoded
	Subject      = "4711"
	OtherSubject = "4712"
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
	// Prompts, unless nil, are the prompt_values_supported of the metadata. Refuses are
	// values of prompt that are answered with an error. Set them before it is asked.
	Prompts, Refuses []string
	// ChoosesOther: who is let choose an account, or is to sign in anew, is Grace.
	ChoosesOther bool

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
	people := store{storage.NewStorageWithClients(persons{}, map[string]*storage.Client{ClientID: client}), p}
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
		if err := people.CheckUsernamePassword(p.signsIn(r.Context(), people, id), "", id); err != nil {
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
	if refused := p.refused(r); refused != "" {
		http.Redirect(w, r, refused, http.StatusFound)
		return
	}
	if r.Method == http.MethodPost {
		p.Posted.Store(r.FormValue("client_secret") != "")
	}
	change := p.change(r)
	if change == nil {
		p.handler.ServeHTTP(w, r)
		return
	}
	recorded := httptest.NewRecorder()
	p.handler.ServeHTTP(recorded, r)
	answer := map[string]any{}
	_ = json.Unmarshal(recorded.Body.Bytes(), &answer)
	change(answer)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(recorded.Code)
	_ = json.NewEncoder(w).Encode(answer)
}

// change what the library answers; nil: nothing.
func (p *Provider) change(r *http.Request) func(answer map[string]any) {
	switch {
	case r.Method == http.MethodPost && p.Tamper != nil:
		return func(answer map[string]any) {
			token, _ := answer["id_token"].(string)
			answer["id_token"] = p.Tamper(token)
		}
	case r.URL.Path == oidc.DiscoveryEndpoint && p.Prompts != nil:
		return func(answer map[string]any) { answer["prompt_values_supported"] = p.Prompts }
	}
	return nil
}

// refused is where a request with a prompt that is not known is sent; empty: it is
// not refused.
func (p *Provider) refused(r *http.Request) string {
	asked := r.URL.Query()
	if !slices.ContainsFunc(strings.Fields(asked.Get("prompt")), func(v string) bool { return slices.Contains(p.Refuses, v) }) {
		return ""
	}
	return asked.Get("redirect_uri") + "?" + url.Values{"error": {"invalid_request"}, "state": {asked.Get("state")}}.Encode()
}

// signsIn is the user name of who signs in for a request.
func (p *Provider) signsIn(ctx context.Context, people store, id string) string {
	r, err := people.AuthRequestByID(ctx, id)
	request, ok := r.(*storage.AuthRequest)
	asks := func(v string) bool { return v == oidc.PromptLogin || v == oidc.PromptSelectAccount }
	if err == nil && ok && p.ChoosesOther && !p.IgnoresPrompt && slices.ContainsFunc(request.Prompt, asks) {
		return "grace"
	}
	return "ada"
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

// persons are the users.
type persons struct{}

func (persons) GetUserByID(id string) *storage.User {
	switch id {
	case Subject:
		return &storage.User{ID: Subject, Username: "ada", FirstName: "Ada", LastName: "Byron", Email: "ada@example.com", EmailVerified: true}
	case OtherSubject:
		return &storage.User{ID: OtherSubject, Username: "grace", FirstName: "Grace", LastName: "Hopper", Email: "grace@example.com", EmailVerified: true}
	}
	return nil
}

func (p persons) GetUserByUsername(name string) *storage.User {
	if name == "grace" {
		return p.GetUserByID(OtherSubject)
	}
	return p.GetUserByID(Subject)
}

func (persons) ExampleClientID() string { return "" }
