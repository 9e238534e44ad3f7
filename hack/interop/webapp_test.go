package interop

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// webApp is an ordinary web app at https://app.example, made of golang.org/x/oauth2
// and go-oidc, configured by discovery alone.
type webApp struct {
	ctx      context.Context // carries its HTTP client
	client   authtest.Client
	config   oauth2.Config
	provider *oidc.Provider

	mu      sync.Mutex
	logins  map[string]string // state → code verifier
	granted chan granted
}

// granted is what the app got for a person.
type granted struct {
	*oauth2.Token
	identity *oidc.IDToken
	rawID    string
	// values of the answer, method that brought it.
	values url.Values
	method string
}

const (
	appURL = "https://" + appHost
	nonce  = "a nonce"
)

func newWebApp(t *testing.T, w *world, change ...func(*oauth.Registration)) *webApp {
	t.Helper()
	a := &webApp{ctx: oidc.ClientContext(t.Context(), w.gateway.client()), logins: map[string]string{}, granted: make(chan granted, 1)}
	change = append(change, func(r *oauth.Registration) {
		r.ClientName, r.Description = "Parcel Watch", "Tells you when your parcels will be there."
		r.ClientURI, r.PolicyURI = appURL+"/about", appURL+"/privacy"
		r.PostLogoutRedirectURIs = []string{appURL + "/bye"}
		r.Managed.OwnerDisplay = "the shipping team"
	})
	a.client = w.MustRegister(t, authtest.NewClient("parcel-watch", actsForPeople(appURL+"/callback", change...)))
	var err error
	a.provider, err = oidc.NewProvider(a.ctx, issuer)
	must(t, err)
	a.config = oauth2.Config{
		ClientID: a.client.Registration.ClientID, ClientSecret: a.client.Secret.Reveal(),
		Endpoint: a.provider.Endpoint(), RedirectURL: appURL + "/callback",
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/login", a.login)
	mux.HandleFunc("/callback", a.callback)
	mux.HandleFunc("/bye", func(w http.ResponseWriter, r *http.Request) { say(w, "Bye, state "+r.URL.Query().Get("state")) })
	w.gateway.serve(t, appHost, mux)
	return a
}

// say writes a page with a heading.
func say(w http.ResponseWriter, heading string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><title>app</title><link rel="icon" href="data:,"><h1>%s</h1>`, html.EscapeString(heading))
}

// loginURL begins at the app; what is in query goes to the server too.
func loginURL(scope string, query ...string) string {
	v := url.Values{"scope": {scope}}
	for i := 0; i+1 < len(query); i += 2 {
		v.Set(query[i], query[i+1])
	}
	return appURL + "/login?" + v.Encode()
}

func (a *webApp) login(w http.ResponseWriter, r *http.Request) {
	state, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	a.mu.Lock()
	a.logins[state] = verifier
	a.mu.Unlock()
	options := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce)}
	more := "" // golang.org/x/oauth2 takes one value of a parameter
	for name, values := range r.URL.Query() {
		options = append(options, oauth2.SetAuthURLParam(name, values[0]))
		for _, v := range values[1:] {
			more += "&" + name + "=" + url.QueryEscape(v)
		}
	}
	http.Redirect(w, r, a.config.AuthCodeURL(state, options...)+more, http.StatusFound)
}

func (a *webApp) callback(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	a.mu.Lock()
	verifier, ok := a.logins[r.Form.Get("state")]
	delete(a.logins, r.Form.Get("state"))
	a.mu.Unlock()
	switch {
	case !ok || r.Form.Get("iss") != issuer: // RFC 9207, Section 2.4
		say(w, "This answer is not for us: "+r.Form.Encode())
	case r.Form.Get("error") != "":
		say(w, "The app got "+r.Form.Get("error"))
	default:
		got, err := a.exchange(r.Form.Get("code"), verifier)
		if err != nil {
			say(w, "The app could not sign you in: "+err.Error())
			return
		}
		got.values, got.method = r.Form, r.Method
		a.granted <- got
		say(w, "The app knows you as "+got.identity.Subject)
	}
}

func (a *webApp) exchange(code, verifier string) (granted, error) {
	token, err := a.config.Exchange(a.ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return granted{}, err
	}
	raw, _ := token.Extra("id_token").(string)
	identity, err := a.provider.Verifier(&oidc.Config{ClientID: a.config.ClientID}).Verify(a.ctx, raw)
	if err != nil {
		return granted{}, err
	}
	if identity.Nonce != nonce {
		return granted{}, fmt.Errorf("nonce %q", identity.Nonce)
	}
	return granted{Token: token, identity: identity, rawID: raw}, identity.VerifyAccessToken(token.AccessToken)
}

// next is what the app got last.
func (a *webApp) next(t testing.TB) granted {
	t.Helper()
	select {
	case got := <-a.granted:
		return got
	case <-time.After(patience):
		t.Fatal("the app got no tokens")
		return granted{}
	}
}

// refresh uses a refresh token.
func (a *webApp) refresh(token string) (*oauth2.Token, error) {
	return a.config.TokenSource(a.ctx, &oauth2.Token{RefreshToken: token}).Token()
}

// scopes of a token answer, in order.
func (g granted) scopes() []string {
	scope, _ := g.Extra("scope").(string)
	return strings.Fields(scope)
}
