package authserver_test

import (
	"encoding/base64"
	"net/http"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
)

// B1: empty items of a list that spaces part are ignored.
func TestB1EmptyItemsOfAScope(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	for _, scope := range []string{"read ", " read", "read  read"} {
		if a := w.Token(t, w.machine, "resource", api, "scope", scope); a.Status != 200 || a.Member("scope") != "read" {
			t.Errorf("token, scope %q: %d %s", scope, a.Status, a.Body)
		}
		b := w.NewBrowser(t)
		if p := b.Complete(t, b.Get(t, w.AuthorizeURL(w.app, "resource", api, "scope", "openid "+scope+" ")), "ada"); p.Callback.Get("code") == "" {
			t.Errorf("authorize, scope %q: %s %s", scope, p.URL, p.Body)
		}
		if a := selfRegister(t, w.Server, `{"redirect_uris":["https://a.example/cb"],"scope":"`+scope+`"}`); a.Status != 201 || a.Member("scope") != "read" {
			t.Errorf("register, scope %q: %d %s", scope, a.Status, a.Body)
		}
	}
	if a := w.Token(t, w.machine, "resource", api, "scope", "read\twrite"); a.Error() != "invalid_scope" {
		t.Errorf("a tab: %d %s", a.Status, a.Body)
	}
}

// B2: HTTP Basic without a password says which public client calls (RFC 6749, Section
// 2.3.1: an empty secret may be omitted).
func TestB2BasicWithoutASecret(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	_, refresh := w.tokens(t, w.public, "resource", api)
	ask := func(c authtest.Client, form ...string) authtest.Answer {
		credentials := base64.StdEncoding.EncodeToString([]byte(c.Registration.ClientID + ":"))
		return w.Do(t, http.MethodPost, "/oauth/token", values(form...).Encode(), "Content-Type", formType, "Authorization", "Basic "+credentials)
	}
	if a := ask(w.public, "grant_type", "refresh_token", "refresh_token", refresh); a.Status != 200 {
		t.Errorf("a public client: %d %s", a.Status, a.Body)
	}
	for rule, a := range map[string]authtest.Answer{
		"a client with a secret": ask(w.machine, "grant_type", "client_credentials"),
		"another public client":  ask(authtest.NewClient("nobody"), "grant_type", "refresh_token", "refresh_token", refresh),
	} {
		if a.Status != 401 || a.Error() != "invalid_client" {
			t.Errorf("%s: %d %s", rule, a.Status, a.Body)
		}
	}
}
