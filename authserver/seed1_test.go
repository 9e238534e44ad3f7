package authserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// TestSeed1 is the guide of seed 1 by its own lines, with only the host changed.
func TestSeed1(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := newPeople(t, on)
		w.Settings.DefaultResource = api
		w.Reload(t)
		meta := w.Do(t, http.MethodGet, "/.well-known/oauth-authorization-server", "")
		if got := fmt.Sprint(meta.JSON()["scopes_supported"]); !strings.Contains(got, "posts.read") || meta.Member("clientele_default_resource") != api {
			t.Errorf("metadata: %s", meta.Body)
		}
		id, token := mustSelfRegister(t, w.Server, seed1)
		c := authtest.Client{Registration: oauth.Registration{ClientID: id, TokenEndpointAuthMethod: oauth.AuthNone}}
		const callback = "https://myapp.com/oauth/callback"
		code := w.Code(t, w.browser, c, "ada", "redirect_uri", callback, "scope", "posts.read posts.compose", "nonce", "")
		got := w.post(t, "/oauth/token", "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "client_id", id, "code_verifier", authtest.Verifier)
		if got.Status != 200 || got.JSON()["expires_in"] != 900.0 || got.Member("token_type") != "Bearer" || got.Member("scope") != "posts.read posts.compose" {
			t.Fatalf("exchange: %d %s", got.Status, got.Body)
		}
		if !w.active(t, w.rs, got.Member("access_token")) {
			t.Error("not active at the resource server")
		}
		again := w.post(t, "/oauth/token", "grant_type", "refresh_token", "refresh_token", got.Member("refresh_token"))
		if again.Status != 200 || again.Member("refresh_token") == "" {
			t.Fatalf("refresh: %d %s", again.Status, again.Body)
		}
		if a := w.post(t, "/oauth/revoke", "token", again.Member("refresh_token")); a.Status != 200 {
			t.Errorf("revoke: %d %s", a.Status, a.Body)
		}
		if w.active(t, w.rs, again.Member("access_token")) || w.active(t, w.rs, got.Member("access_token")) {
			t.Error("revoking kills the whole family")
		}
		// A client that was used does not expire like an unused one.
		w.Clock.Advance(25 * time.Hour)
		if err := w.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a := w.SendText(t, http.MethodGet, "/oauth/register/"+id, token, ""); a.Status != 200 {
			t.Errorf("a client in use was swept: %d", a.Status)
		}
		// Deleting it ends what was issued to it.
		if a := w.SendText(t, http.MethodDelete, "/oauth/register/"+id, token, ""); a.Status != 204 {
			t.Errorf("delete: %d", a.Status)
		}
	})
}

// TestOpenRegistrationWithoutScope: a client that names no scope means what
// policies let such clients have (INTEROP 1).
func TestOpenRegistrationWithoutScope(t *testing.T) {
	w := newPeople(t, authtest.Config{})
	w.Settings.DefaultResource = api
	w.Reload(t)
	const callback = "http://127.0.0.1:33418/callback"
	id, _ := mustSelfRegister(t, w.Server, `{"client_name":"MCP","redirect_uris":["http://127.0.0.1:33418/callback"]}`)
	c := authtest.Client{Registration: oauth.Registration{ClientID: id, TokenEndpointAuthMethod: oauth.AuthNone}}
	port := strings.Replace(callback, "33418", "40404", 1)
	code := w.Code(t, w.browser, c, "ada", "redirect_uri", port, "scope", "", "nonce", "", "resource", api)
	got := w.post(t, "/oauth/token", "grant_type", "authorization_code", "code", code, "redirect_uri", port, "client_id", id, "code_verifier", authtest.Verifier, "resource", api)
	if got.Status != 200 || got.Member("scope") != "posts.compose posts.read" || got.Member("refresh_token") == "" {
		t.Fatalf("exchange: %d %s", got.Status, got.Body)
	}
}
