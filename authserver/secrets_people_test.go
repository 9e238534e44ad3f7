package authserver_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/idptest"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
)

// leaks looks for secrets in what comes out of a server.
type leaks struct {
	secrets map[string]string // by what they are
	said    strings.Builder   // answers and pages that tell of a failure
}

// failed notes an answer that must tell of a failure, by its status.
func (l *leaks) failed(t *testing.T, what string, a authtest.Answer) {
	t.Helper()
	if a.Status < 400 {
		t.Errorf("%s is no failure: %d %s", what, a.Status, a.Body)
	}
	l.said.WriteString(a.Body)
	for name, values := range a.Header {
		l.said.WriteString(name + strings.Join(values, " "))
	}
}

// look for them, and for the hashes by which they are stored. ours are those that a
// page of ours has in its own forms.
func (l *leaks) look(t *testing.T, s *authtest.Server, ours ...string) {
	t.Helper()
	for where, text := range map[string]string{"pages": l.said.String(), "log": s.Log.String(), "metrics": scrape(t, s)} {
		for what, secret := range l.secrets {
			if len(secret) < 20 {
				t.Fatalf("%s: %q is no secret", what, secret)
			}
			for _, form := range []string{secret, url.QueryEscape(secret), credential.Hash(secret)} {
				at := strings.Index(text, form)
				if at >= 0 && (where != "pages" || !slices.Contains(ours, what)) {
					t.Errorf("%s: %s appears: …%s", where, what, text[max(0, at-120):at])
				}
			}
		}
	}
}

// TestF36SecretsOfPeopleAppearNowhere: of sign-in, of codes and tokens, of a
// provider, where it all works and where it fails.
func TestF36SecretsOfPeopleAppearNowhere(t *testing.T) {
	w := signInAtWork(t, nil)
	b := w.NewBrowser(t)
	l := &leaks{secrets: map[string]string{
		"a password": authtest.Password, "a wrong password": "planted wrong password 1",
		"a password in the wrong field": "planted password as a user name", "a verifier": authtest.Verifier,
		"a provider's code": "planted-code-of-a-provider",
	}}

	// Signing in.
	page := b.Get(t, w.AuthorizeURL(w.public))
	_, form := page.Form()
	l.secrets["a prt"], l.secrets["a form's token"] = form.Get("prt"), form.Get("csrf")
	l.failed(t, "a wrong password", b.Submit(t, page, "username", "ada", "password", l.secrets["a wrong password"]).Answer)
	l.failed(t, "a password for a user name", b.Submit(t, page, "username", l.secrets["a password in the wrong field"], "password", "x").Answer)
	l.failed(t, "a forged form", b.Submit(t, page, "csrf", "forged", "username", "ada", "password", authtest.Password).Answer)
	l.failed(t, "a prt in another browser", w.NewBrowser(t).Get(t, page.URL).Answer)
	l.failed(t, "a longer prt", b.Get(t, page.URL+"A").Answer)
	code := b.Complete(t, page, "ada").Callback.Get("code")
	for _, c := range cookies(b, w.URL) {
		l.secrets["the cookie "+c.Name] = c.Value
	}

	// Codes and tokens.
	first := w.MustExchange(t, w.public, code)
	second := w.Refresh(t, w.public, first.Member("refresh_token"))
	l.secrets["a code"], l.secrets["an access token"], l.secrets["an ID token"] = code, first.Member("access_token"), first.Member("id_token")
	l.secrets["a refresh token"], l.secrets["its successor"] = first.Member("refresh_token"), second.Member("refresh_token")
	for what, secret := range l.secrets {
		l.failed(t, what+" as a code", w.Exchange(t, w.public, secret))
		l.failed(t, what+" as a refresh token, damaged", w.Refresh(t, w.other, secret+"x"))
		if strings.HasPrefix(secret, "cl") { // others could be the name of a client
			l.failed(t, what+" as a client", w.Exchange(t, authtest.Client{Registration: oauth.Registration{ClientID: secret, TokenEndpointAuthMethod: oauth.AuthNone}}, "x"))
		}
		l.failed(t, what+" as a hint", b.Get(t, w.URL+"/oauth/logout?"+values("id_token_hint", secret+"x").Encode()).Answer)
		l.failed(t, what+" as a bearer token, damaged", w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+secret+"x"))
		l.failed(t, what+" as a provider's answer", b.Get(t, w.Issuer+signin.CallbackPath("work")+"?"+values("code", secret, "state", secret).Encode()).Answer)
		l.failed(t, what+" as a path", w.Do(t, http.MethodGet, "/"+url.PathEscape(secret), ""))
		l.failed(t, what+" as a pushed request", b.Get(t, w.AuthorizeURL(w.public, "request_uri", "urn:ietf:params:oauth:request_uri:"+secret)).Answer)
	}
	l.failed(t, "a code without its verifier", w.exchangeWith(t, w.public, w.Code(t, b, w.public, "ada"), "code_verifier", strings.Repeat("v", 43)))
	l.failed(t, "a refresh token of a family that ended", w.Refresh(t, w.public, second.Member("refresh_token")))

	// A provider: its answer is refused, and it is down.
	again := w.NewBrowser(t)
	away := again.Get(t, link(t, again.Get(t, w.AuthorizeURL(w.web))))
	for _, c := range cookies(again, w.URL) {
		l.secrets["the cookie "+c.Name+" of a flow"] = c.Value
	}
	back := w.idp.SignIn(t, away.URL)
	answered := back.Query()
	answered.Set("code", l.secrets["a provider's code"])
	back.RawQuery = answered.Encode()
	l.failed(t, "a code that the provider does not know", again.Get(t, back.String()).Answer)
	again = w.NewBrowser(t)
	away = again.Get(t, link(t, again.Get(t, w.AuthorizeURL(w.web))))
	back = w.idp.SignIn(t, away.URL)
	l.secrets["a real code of the provider"] = back.Query().Get("code")
	w.idp.Down.Store(true)
	l.failed(t, "a provider that is down", again.Get(t, back.String()).Answer)

	l.look(t, w.Server, "a prt", "a form's token", "a password in the wrong field")
	for _, event := range []string{"user.signed_in", "user.sign_in_refused", "token.reused", "client.authentication_refused", "upstream provider failed"} {
		if !strings.Contains(w.Log.String(), event) {
			t.Errorf("the log has no %s: the failure was not reached", event)
		}
	}
	if strings.Contains(w.Log.String()+l.said.String(), idptest.ClientSecret) {
		t.Error("our secret at the provider appears")
	}
}

// TestF36AnOutageTellsNoSecrets: what the server logs of a store that is down.
func TestF36AnOutageTellsNoSecrets(t *testing.T) {
	var down atomic.Bool
	w := users(t, authtest.Config{Wrap: func(s store.Store) store.Store { return unreadable{s, &down} }})
	a := w.MustExchange(t, w.public, w.Code(t, w.NewBrowser(t), w.public, "ada"))
	l := &leaks{secrets: map[string]string{"an access token": a.Member("access_token"), "a refresh token": a.Member("refresh_token")}}
	down.Store(true)
	l.failed(t, "refresh", w.Refresh(t, w.public, l.secrets["a refresh token"]))
	l.failed(t, "userinfo", w.Do(t, http.MethodGet, "/userinfo", "", "Authorization", "Bearer "+l.secrets["an access token"]))
	l.failed(t, "revoke", w.Do(t, http.MethodPost, "/oauth/revoke", values("token", l.secrets["a refresh token"]).Encode(), "Content-Type", formType))
	l.look(t, w.Server)
	if !strings.Contains(w.Log.String(), errDown.Error()) {
		t.Error("the log does not tell of the outage")
	}
}
