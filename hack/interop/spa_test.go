package interop

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// page serves the browser-only app at a host.
func (w *world) page(t *testing.T, host, clientID string) {
	t.Helper()
	config, err := json.Marshal(map[string]string{"issuer": issuer, "client_id": clientID, "scope": "openid profile orders:read"})
	must(t, err)
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir("testdata/spa")))
	mux.HandleFunc("/config.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(config)
	})
	w.gateway.serve(t, host, mux)
}

func newSPA(t *testing.T, w *world) authtest.Client {
	t.Helper()
	const origin = "https://" + spaHost
	c := w.MustRegister(t, authtest.NewClient("spa", actsForPeople(origin+"/", authtest.Public, func(r *oauth.Registration) {
		r.RedirectURIs = append(r.RedirectURIs, elsewhere)
	})))
	w.page(t, spaHost, c.Registration.ClientID)
	return c
}

// result is what the app learned.
type result struct {
	Token, Refreshed struct {
		Status       int
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		Scope        string
	}
	Userinfo       map[string]any
	Revoked, After struct {
		Status int
		Error  string
	}
	Challenge string
	Keys      int
}

// TestABrowserOnlyApp has no server and no secret: discovery, code with PKCE,
// userinfo, refresh and revocation from a page of another origin.
func TestABrowserOnlyApp(t *testing.T) {
	w := newWorld(t)
	newSPA(t, w)
	b := newTab(t)
	b.watch.allow("status of 400") // the refresh token after its revocation
	b.watch.allow("status of 401") // the access token after it
	b.open("https://" + spaHost + "/")
	b.sees("Sign in")
	b.signIn(authtest.Password)
	b.sees("wants access to your account")
	b.allows()
	b.sees("Done")
	got := value[result](b, "window.result")
	if got.Token.Status != 200 || got.Token.Scope != "openid profile orders:read" || got.Userinfo["sub"] != "user/ada" || got.Userinfo["name"] != "Name of ada" {
		t.Errorf("signed in: %+v", got)
	}
	if got.Refreshed.Status != 200 || got.Refreshed.RefreshToken == "" || got.Refreshed.RefreshToken == got.Token.RefreshToken {
		t.Errorf("refreshed: %+v", got.Refreshed)
	}
	if got.Revoked.Status != 200 || got.After.Status != 400 || got.After.Error != "invalid_grant" || !strings.Contains(got.Challenge, `error="invalid_token"`) || got.Keys == 0 {
		t.Errorf("revoked: %+v", got)
	}
	if w.active(t, got.Refreshed.AccessToken) || w.active(t, got.Token.AccessToken) {
		t.Error("an access token outlived the revocation of its family")
	}
}

// TestB4PagesOfAnyOriginReadWhatLooksAtNoCookie: with a header that a tracing library
// adds; what is for people no page of another origin reads.
func TestB4PagesOfAnyOriginReadWhatLooksAtNoCookie(t *testing.T) {
	w := newWorld(t)
	c := newSPA(t, w)
	token := w.codeFlow(t, newTab(t), c, "scope", "openid orders:read").Member("access_token")
	w.page(t, strangerHost, c.Registration.ClientID)
	b := newTab(t)
	b.open("https://" + strangerHost + "/#stay")
	b.sees("Discovered")
	b.watch.allow("status of 400")
	for _, complaint := range []string{"CORS policy", "CorsIssue", "net::ERR_FAILED", "status of 405"} {
		b.watch.allow(complaint)
	}
	ask := func(endpoint, options string) string {
		return value[string](b, "fetch("+endpoint+", "+options+").then(r => 'read, ' + r.status, e => e.name)")
	}
	form := `{method: "POST", headers: {traceparent: "00-1-1-01"}, body: new URLSearchParams({client_id: ` + strconv.Quote(c.Registration.ClientID) + `, grant_type: "refresh_token", refresh_token: "x", token: "x"})}`
	for endpoint, c := range map[string]struct{ options, want string }{
		"server.userinfo_endpoint":      {`{headers: {traceparent: "00-1-1-01", Authorization: "Bearer " + ` + strconv.Quote(token) + `}}`, "read, 200"},
		"server.token_endpoint":         {form, "read, 400"},
		"server.revocation_endpoint":    {form, "read, 200"},
		"server.authorization_endpoint": {`{credentials: "include"}`, "TypeError"},
		"server.issuer + '/account'":    {`{credentials: "include"}`, "TypeError"},
		"server.issuer + '/userinfo'":   {`{credentials: "include"}`, "TypeError"}, // * is not for cookies
	} {
		if got := ask(endpoint, c.options); got != c.want {
			t.Errorf("a page asks %s: %s, want %s", endpoint, got, c.want)
		}
	}
}
