package authtest

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
)

// Password of every user that SetUsers makes.
const Password = "correct horse battery staple"

// Person is a local user of a test; `sub` is user:<Username>.
type Person struct {
	Username      string
	Roles, Groups []string
	Tenant        string
	Disabled      bool
	// Password; empty: Password. Who keeps it keeps its hash.
	Password string
}

// Subject is the person's `sub`.
func (p Person) Subject() string { return oauth.LocalSubject(p.Username) }

// SetUsers replaces the local users.
func (s *Server) SetUsers(t testing.TB, people ...Person) {
	t.Helper()
	users := []map[string]any{}
	for _, p := range people {
		hash, err := passwordHash(cmp.Or(p.Password, Password))
		must(t, err)
		users = append(users, map[string]any{
			"username": p.Username, "id": p.Username, "passwordHash": hash, "name": "Name of " + p.Username,
			"roles": append([]string{}, p.Roles...), "groups": append([]string{}, p.Groups...), "tenant": p.Tenant, "disabled": p.Disabled,
		})
	}
	document, err := json.Marshal(map[string]any{"users": users})
	must(t, err)
	directory, err := signin.ParseDirectory(document)
	must(t, err)
	s.Users.Set(directory)
}

var hashes sync.Map // of passwords

// passwordHash is made once: it is slow on purpose.
func passwordHash(password string) (string, error) {
	if hash, ok := hashes.Load(password); ok {
		return hash.(string), nil
	}
	made, err := signin.HashPassword(credential.Secret(password))
	hash, _ := hashes.LoadOrStore(password, made)
	return hash.(string), err
}

// Redirect is where clients of WithCode are answered.
const Redirect = "https://app.example/callback"

// WithCode makes a client one that acts for users.
func WithCode(scope string, resources ...string) func(*oauth.Registration) {
	return func(r *oauth.Registration) {
		r.GrantTypes = []oauth.GrantType{oauth.GrantAuthorizationCode, oauth.GrantRefreshToken}
		r.RedirectURIs = []string{Redirect}
		r.Scope = scope
		r.Managed.Resources = resources
	}
}

// Public makes a client one without a secret.
func Public(r *oauth.Registration) {
	r.TokenEndpointAuthMethod = oauth.AuthNone
	r.Managed.SecretHashes = nil
}

// Verifier is the code verifier of every request that AuthorizeURL makes.
const Verifier = "a-code-verifier-of-at-least-43-characters-.-~_1234"

// Challenge is its S256 challenge.
func Challenge() string {
	sum := sha256.Sum256([]byte(Verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// AuthorizeURL is an authorization request of a client, with state, nonce and
// PKCE. change holds names and values by turns; an empty value removes a
// parameter.
func (s *Server) AuthorizeURL(c Client, change ...string) string {
	values := url.Values{
		"response_type": {"code"}, "client_id": {c.Registration.ClientID}, "redirect_uri": {Redirect},
		"state": {"the state"}, "nonce": {"the nonce"},
		"code_challenge": {Challenge()}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		values.Set(change[i], change[i+1])
		if change[i+1] == "" {
			values.Del(change[i])
		}
	}
	return s.Issuer + "/oauth/authorize?" + values.Encode()
}

// Code signs a person in, allows whatever is asked, and returns the code.
func (s *Server) Code(t testing.TB, b *Browser, c Client, username string, change ...string) string {
	t.Helper()
	page := b.Complete(t, b.Get(t, s.AuthorizeURL(c, change...)), username)
	code := page.Callback.Get("code")
	if code == "" {
		t.Fatalf("no code: %d at %s %v\n%s", page.Status, page.URL, page.Callback, page.Body)
	}
	return code
}

// Exchange brings a code of AuthorizeURL.
func (s *Server) Exchange(t testing.TB, c Client, code string, form ...string) Answer {
	t.Helper()
	return s.Token(t, c, append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", Redirect, "code_verifier", Verifier}, form...)...)
}

// Refresh brings a refresh token.
func (s *Server) Refresh(t testing.TB, c Client, token string, form ...string) Answer {
	t.Helper()
	return s.Token(t, c, append([]string{"grant_type", "refresh_token", "refresh_token", token}, form...)...)
}

// MustExchange fails the test unless the code gives tokens.
func (s *Server) MustExchange(t testing.TB, c Client, code string, form ...string) Answer {
	t.Helper()
	a := s.Exchange(t, c, code, form...)
	if a.Status != http.StatusOK {
		t.Fatalf("exchange: %d %s", a.Status, a.Body)
	}
	return a
}

// Pass lets time pass, and waits until the server issues tokens again.
func (s *Server) Pass(t testing.TB, d time.Duration) {
	t.Helper()
	s.Clock.Advance(d)
	s.Reload(t)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for s.Do(t, http.MethodGet, "/readyz", "").Body != "ok\n" {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("the server is not ready %v later", d)
		}
	}
}
