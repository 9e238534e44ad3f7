package interop

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

const (
	issuer = "https://" + loginHost
	orders = "https://orders.example" // an API
	ada    = "ada"

	billing = "https://billing.example" // another one
)

// world is the server, as https://login.example.
type world struct {
	*authtest.Server
	gateway *gateway
	// api is the client that the API itself introspects tokens with.
	api authtest.Client
}

// newWorld starts a server with an API, and one person who may use all of it.
func newWorld(t *testing.T) *world {
	t.Helper()
	startChromium(t)
	s := authtest.Start(t, authtest.Config{Settings: endpoint.Settings{
		Issuer: issuer, DefaultResource: orders, Registration: endpoint.RegistrationSettings{Mode: endpoint.RegistrationOpen},
	}})
	w := &world{Server: s, gateway: chromium.gateway}
	w.gateway.serve(t, loginHost, forward(t, s.URL))
	s.SetUsers(t, authtest.Person{Username: ada})
	w.putPolicy(t)
	w.api = s.MustRegister(t, authtest.NewClient("orders-api"))
	return w
}

// putPolicy declares the scopes of the API.
func (w *world) putPolicy(t *testing.T) {
	t.Helper()
	p := authtest.Policy("orders", orders, "orders:read", "orders:write", "invoices:read")
	p.Scopes[0].Description = "See your orders and where they are"
	p.Scopes[1].Description = "Place, change and cancel orders for you"
	p.Scopes[2].Description = "See your invoices"
	p.Allow = append(p.Allow, policy.Rule{SelfRegistered: true, Scopes: p.Allow[0].Scopes})
	p.ResourceServers = []policy.ResourceServer{{Namespace: "apps", Name: "orders-api"}}
	w.MustPutPolicy(t, p)
}

// active is what the API learns of a token by introspection (RFC 7662).
func (w *world) active(t *testing.T, token string) bool {
	t.Helper()
	credentials := url.QueryEscape(w.api.Registration.ClientID) + ":" + url.QueryEscape(w.api.Secret.Reveal())
	a := w.Do(t, http.MethodPost, "/oauth/introspect", url.Values{"token": {token}}.Encode(),
		"Content-Type", "application/x-www-form-urlencoded",
		"Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(credentials)))
	if a.Status != http.StatusOK {
		t.Fatalf("introspect: %d %s", a.Status, a.Body)
	}
	return a.JSON()["active"] == true
}

// actsForPeople makes a client one of an app at a URL.
func actsForPeople(redirect string, change ...func(*oauth.Registration)) func(*oauth.Registration) {
	return func(r *oauth.Registration) {
		authtest.WithCode("openid profile orders:read orders:write invoices:read", orders)(r)
		r.RedirectURIs = []string{redirect}
		for _, f := range change {
			f(r)
		}
	}
}

// forBillingToo makes a client one for both APIs.
func forBillingToo(r *oauth.Registration) {
	r.Scope += " bills:pay"
	r.Managed.Resources = append(r.Managed.Resources, billing)
}

// elsewhere is a redirect URI of codeFlow.
const elsewhere = appURL + "/elsewhere"

// codeFlow signs a person in, allows everything, and exchanges the code by hand:
// for clients that have elsewhere among their redirect URIs.
func (w *world) codeFlow(t *testing.T, b *tab, c authtest.Client, change ...string) authtest.Answer {
	t.Helper()
	w.gateway.serve(t, appHost, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, "Elsewhere") }))
	b.open(w.AuthorizeURL(c, append([]string{"redirect_uri", elsewhere}, change...)...))
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.sees("wants access to your account")
	b.allows()
	b.sees("Elsewhere")
	code := value[string](b, "new URLSearchParams(location.search).get('code')")
	a := w.Token(t, c, "grant_type", "authorization_code", "code", code, "redirect_uri", elsewhere, "code_verifier", authtest.Verifier)
	if a.Status != http.StatusOK {
		t.Fatalf("exchange: %d %s", a.Status, a.Body)
	}
	return a
}
