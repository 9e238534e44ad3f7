package authserver_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/oauth"
)

// TestOAuth2AndGoOIDCAsClients drives the flow with the two libraries that Go
// programs use, configured by discovery alone.
func TestOAuth2AndGoOIDCAsClients(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		basic := w.MustRegister(t, authtest.NewClient("basic", authtest.WithCode("openid orders.read", orders)))
		ctx := context.Background()
		provider, err := oidc.NewProvider(ctx, w.Issuer)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]authtest.Client{"client_secret_basic": basic, "client_secret_post": w.web, "none": w.public} {
			t.Run(name, func(t *testing.T) {
				config := oauth2.Config{
					ClientID: c.Registration.ClientID, Endpoint: provider.Endpoint(), RedirectURL: authtest.Redirect,
					Scopes: []string{oidc.ScopeOpenID, "orders.read"},
				}
				if name != "none" {
					config.ClientSecret = c.Secret.Reveal()
				}
				verifier := oauth2.GenerateVerifier()
				b := w.NewBrowser(t)
				page := b.Complete(t, b.Get(t, config.AuthCodeURL("xyz", oauth2.S256ChallengeOption(verifier), oidc.Nonce("nonce"))), "ada")
				if page.Callback.Get("state") != "xyz" || page.Callback.Get("iss") != w.Issuer {
					t.Fatalf("answer %s", page.URL)
				}
				tokens, err := config.Exchange(ctx, page.Callback.Get("code"), oauth2.VerifierOption(verifier))
				if err != nil {
					t.Fatal(err)
				}
				raw, _ := tokens.Extra("id_token").(string)
				identity, err := provider.Verifier(&oidc.Config{ClientID: config.ClientID}).Verify(ctx, raw)
				if err != nil {
					t.Fatal(err)
				}
				if identity.Subject != "user/ada" || identity.Nonce != "nonce" {
					t.Errorf("sub %q, nonce %q", identity.Subject, identity.Nonce)
				}
				if err := identity.VerifyAccessToken(tokens.AccessToken); err != nil {
					t.Errorf("at_hash: %v", err)
				}
				tokens.Expiry = time.Now().Add(-time.Hour)
				next, err := config.TokenSource(ctx, tokens).Token()
				if err != nil {
					t.Fatal(err)
				}
				if next.AccessToken == tokens.AccessToken || next.RefreshToken == tokens.RefreshToken {
					t.Error("nothing was rotated")
				}
				_, err = config.Exchange(ctx, page.Callback.Get("code"), oauth2.VerifierOption(verifier))
				var refused *oauth2.RetrieveError
				if !errors.As(err, &refused) || refused.ErrorCode != "invalid_grant" {
					t.Errorf("the code again: %v", err)
				}
			})
		}
	})
}

// push sends a pushed request, authenticated as the client registered.
func (w *world) push(t *testing.T, c authtest.Client, change ...string) authtest.Answer {
	t.Helper()
	asked, err := url.Parse(w.AuthorizeURL(c, change...))
	if err != nil {
		t.Fatal(err)
	}
	values := asked.Query()
	if c.Registration.TokenEndpointAuthMethod == oauth.AuthClientSecretPost {
		values.Set("client_secret", c.Secret.Reveal())
	}
	return w.Do(t, http.MethodPost, "/oauth/par", values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

func TestPushedAuthorizationRequests(t *testing.T) {
	forEachStorage(t, func(t *testing.T, on authtest.Config) {
		w := users(t, on)
		b := w.NewBrowser(t)
		begin := func(c authtest.Client, uri string) authtest.Page {
			return b.Get(t, w.Issuer+"/oauth/authorize?"+url.Values{"client_id": {c.Registration.ClientID}, "request_uri": {uri}, "scope": {"orders.admin"}}.Encode())
		}
		for _, c := range []authtest.Client{w.web, w.public} {
			a := w.push(t, c, "scope", "orders.read")
			uri := a.Member("request_uri")
			if a.Status != http.StatusCreated || !strings.HasPrefix(uri, "urn:ietf:params:oauth:request_uri:") || a.JSON()["expires_in"] != 90.0 || a.Header.Get("Cache-Control") != "no-store" {
				t.Fatalf("push: %d %s", a.Status, a.Body)
			}
			page := b.Complete(t, begin(c, uri), "ada")
			if page.Callback.Get("state") != "the state" {
				t.Fatalf("answer %d %s", page.Status, page.URL)
			}
			if tokens := w.MustExchange(t, c, page.Callback.Get("code")); tokens.Member("scope") != "orders.read" {
				t.Errorf("scope %q: what stands beside request_uri counts for nothing (RFC 9126, Section 4)", tokens.Member("scope"))
			}
			if again := begin(c, uri); again.Status != http.StatusBadRequest || again.Callback != nil {
				t.Errorf("a second time: %d %s", again.Status, again.URL)
			}
		}
		if other := begin(w.other, w.push(t, w.public).Member("request_uri")); other.Status != http.StatusBadRequest || other.Callback != nil {
			t.Errorf("A3: another client's: %d %s", other.Status, other.URL)
		}
		late := w.push(t, w.public).Member("request_uri")
		w.Pass(t, 90*time.Second)
		if page := begin(w.public, late); page.Status != http.StatusBadRequest || page.Callback != nil {
			t.Errorf("after 90 s: %d %s", page.Status, page.URL)
		}

		unauthenticated := w.web
		unauthenticated.Registration.TokenEndpointAuthMethod = oauth.AuthNone
		refused(t, "no client authentication", w.push(t, unauthenticated), "invalid_client")
		refused(t, "request_uri", w.push(t, w.public, "request_uri", "urn:x"), "invalid_request")
		refused(t, "a redirect URI that is not registered", w.push(t, w.public, "redirect_uri", "https://evil.example"), "invalid_request")
		refused(t, "no PKCE", w.push(t, w.public, "code_challenge", ""), "invalid_request")
		refused(t, "response type", w.push(t, w.public, "response_type", "token"), "unsupported_response_type")
		refused(t, "another resource", w.push(t, w.public, "resource", "https://payroll.example"), "invalid_target")
		refused(t, "A15: too long", w.push(t, w.public, "state", strings.Repeat("s", 3000)), "invalid_request")
	})
}

func TestTrustedAppsSkipConsent(t *testing.T) {
	w := users(t, authtest.Config{})
	trusted := w.MustRegister(t, authtest.NewClient("trusted", authtest.WithCode("orders.read", orders), func(r *oauth.Registration) { r.Managed.Trusted = true }))
	b := w.NewBrowser(t)
	page := b.SignIn(t, b.Get(t, w.AuthorizeURL(trusted)), "ada")
	if page.Callback.Get("code") == "" {
		t.Fatalf("want a code without being asked: %d %s", page.Status, page.URL)
	}
	w.MustExchange(t, trusted, page.Callback.Get("code"))
}

func TestA12SignInTellsNothing(t *testing.T) {
	w := users(t, authtest.Config{})
	w.SetUsers(t, authtest.Person{Username: "ada"}, authtest.Person{Username: "eve", Disabled: true})
	answer := func(username, password string) (int, string) {
		b := w.NewBrowser(t)
		page := b.Submit(t, b.Get(t, w.AuthorizeURL(w.web)), "username", username, "password", password)
		_, fields := page.Form()
		text := page.Body
		for _, varies := range []string{fields.Get("prt"), fields.Get("csrf"), username} {
			text = strings.ReplaceAll(text, varies, "…")
		}
		return page.Status, text
	}
	status, wrong := answer("ada", "wrong")
	if status != http.StatusForbidden {
		t.Errorf("wrong password: %d", status)
	}
	for username, password := range map[string]string{"nobody": "wrong", "eve": authtest.Password} {
		if s, text := answer(username, password); s != status || text != wrong {
			t.Errorf("%s looks different: %d\n%s", username, s, text)
		}
	}
}
