package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"clientele.dev/clientele/hack/internal/stack"
	"golang.org/x/oauth2"
)

// selfRegisteredAct is the demo's third act: an app that nobody declared, and that
// knows nothing but the issuer, as in a guide for an API's developers. It names a
// scope and never a resource. The demo plays the user.
type selfRegisteredAct struct{ userAct }

func (g *selfRegisteredAct) steps() []stack.Step {
	return []stack.Step{
		{Name: "let an app register itself", Run: g.register},
		{Name: "sign in for that app", Run: g.signIn},
		{Name: "exchange its code for tokens", Run: g.exchange},
		{Name: "refresh, and revoke", Run: g.refreshAndRevoke},
	}
}

// register is RFC 7591, Section 3.1, with as little as such guides send.
func (g *selfRegisteredAct) register(ctx context.Context) (string, error) {
	var err error
	if g.app, err = newApp(g.Report); err != nil {
		return "", err
	}
	body := fmt.Sprintf(`{"client_name":"My App","redirect_uris":[%q],"scope":"orders:read"}`, g.app.redirectURI())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.metadata.RegistrationEndpoint, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	var client struct {
		ID     string `json:"client_id"`
		Method string `json:"token_endpoint_auth_method"`
		Scope  string `json:"scope"`
	}
	if err := ask(req, &client); err != nil {
		return "", err
	}
	if client.ID == "" || client.Method != "none" || client.Scope != "orders:read" {
		return "", fmt.Errorf("registered as %+v, want a public client with scope orders:read", client)
	}
	g.config = oauth2.Config{ClientID: client.ID, RedirectURL: g.app.redirectURI(), Scopes: []string{client.Scope},
		Endpoint: oauth2.Endpoint{AuthURL: g.metadata.AuthorizationEndpoint, TokenURL: g.metadata.TokenEndpoint, AuthStyle: oauth2.AuthStyleInParams}}
	g.state, g.nonce, g.verifier = oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	return "the app is client " + client.ID, nil
}

// refreshAndRevoke sends the tokens and nothing else, as a public client may; what
// was revoked is then refused (RFC 6749, Section 6; RFC 7009).
func (g *selfRegisteredAct) refreshAndRevoke(ctx context.Context) (string, error) {
	var next struct {
		Refresh string `json:"refresh_token"`
		Scope   string `json:"scope"`
	}
	if err := g.post(ctx, g.metadata.TokenEndpoint, &next, "grant_type", "refresh_token", "refresh_token", g.tokens.RefreshToken); err != nil {
		return "", fmt.Errorf("refresh: %w", err)
	}
	if next.Refresh == "" || next.Refresh == g.tokens.RefreshToken || next.Scope != "orders:read" {
		return "", fmt.Errorf("the refresh gave scope %q, and another refresh token: %v", next.Scope, next.Refresh != g.tokens.RefreshToken)
	}
	if err := g.post(ctx, g.metadata.RevocationEndpoint, nil, "token", next.Refresh); err != nil {
		return "", fmt.Errorf("revoke: %w", err)
	}
	err := g.post(ctx, g.metadata.TokenEndpoint, nil, "grant_type", "refresh_token", "refresh_token", next.Refresh)
	if err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		return "", errors.Join(errors.New("a revoked refresh token is not refused with invalid_grant"), err)
	}
	return "refreshed, revoked, and refused afterwards", nil
}

// post sends a form; form holds names and values by turns.
func (g *selfRegisteredAct) post(ctx context.Context, endpoint string, into any, form ...string) error {
	values := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return ask(req, into)
}
