package interop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/policy"
)

const (
	mcpResource = "https://" + mcpHost + "/mcp"
	mcpMetadata = "https://" + mcpHost + "/.well-known/oauth-protected-resource/mcp"
)

// serveMCP runs an MCP server that tells who called its one tool. It checks tokens by
// their signature and audience.
func serveMCP(t *testing.T, w *world, scopes ...string) {
	t.Helper()
	p := authtest.Policy("mcp", mcpResource, "tools:call")
	p.Scopes[0].Description = "Use the tools of the example"
	p.Allow = []policy.Rule{{SelfRegistered: true, Scopes: []string{"tools:call"}}}
	w.MustPutPolicy(t, p)
	provider, err := oidc.NewProvider(oidc.ClientContext(t.Context(), w.gateway.client()), issuer)
	must(t, err)
	verify := func(ctx context.Context, raw string, _ *http.Request) (*auth.TokenInfo, error) {
		token, err := provider.Verifier(&oidc.Config{ClientID: mcpResource}).Verify(ctx, raw)
		if err != nil {
			return nil, errors.Join(auth.ErrInvalidToken, err)
		}
		return &auth.TokenInfo{Expiration: token.Expiry, UserID: token.Subject}, nil
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "example", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami", Description: "Who calls?"}, func(_ context.Context, r *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: r.Extra.TokenInfo.UserID}}}, nil, nil
	})
	mux := http.NewServeMux()
	mux.Handle("/.well-known/oauth-protected-resource/mcp", auth.ProtectedResourceMetadataHandler(&oauthex.ProtectedResourceMetadata{
		Resource: mcpResource, AuthorizationServers: []string{issuer}, ScopesSupported: scopes,
	}))
	// It is on loopback behind a proxy, which the SDK takes for an attack otherwise.
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{DisableLocalhostProtection: true})
	mux.Handle("/mcp", auth.RequireBearerToken(verify, &auth.RequireBearerTokenOptions{ResourceMetadataURL: mcpMetadata})(handler))
	w.gateway.serve(t, mcpHost, mux)
}

// commandLine is an app on the person's computer, with a port of its own for the
// answer.
type commandLine struct {
	*httptest.Server
	answers chan url.Values
}

func newCommandLine(t *testing.T) *commandLine {
	t.Helper()
	c := &commandLine{answers: make(chan url.Values, 1)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.answers <- r.URL.Query()
		say(w, "Go back to the command line")
	}))
	t.Cleanup(c.Close)
	return c
}

// authorizer is the SDK's, which sends a person to a browser. Each
// token it gets is treated as one that has just expired, so that the first use of it
// is a refresh.
func authorizer(t *testing.T, w *world, offline bool, want string) auth.OAuthHandler {
	t.Helper()
	b, app := newTab(t), newCommandLine(t)
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		Client: w.gateway.client(),
		DynamicClientRegistrationConfig: &auth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
			ClientName: "Example agent", RedirectURIs: []string{app.URL + "/callback"},
			GrantTypes: []string{"authorization_code", "refresh_token"},
		}},
		RequestRefreshToken: offline,
		AuthorizationCodeFetcher: func(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			b.open(args.URL)
			b.sees("Sign in")
			b.signIn(authtest.Password)
			b.sees("An app on this computer")
			b.allows()
			b.sees("Go back to the command line")
			answer := <-app.answers
			return &auth.AuthorizationResult{Code: answer.Get("code"), State: answer.Get("state"), Iss: answer.Get("iss")}, nil
		},
		NewTokenSource: func(ctx context.Context, c *oauth2.Config, token *oauth2.Token) (oauth2.TokenSource, error) {
			if token.RefreshToken == "" || inOrder(token.Extra("scope")) != want {
				t.Errorf("refresh token %t, scope %v", token.RefreshToken != "", token.Extra("scope"))
			}
			expired := *token
			expired.AccessToken, expired.Expiry = "spent", time.Now().Add(-time.Minute)
			return c.TokenSource(ctx, &expired), nil
		},
	})
	must(t, err)
	return handler
}

// TestTheMCPSDKAuthorizesItself: told an address and nothing else, the SDK's client
// finds the server, registers, sends the person, gets a token for that resource, and
// refreshes it (INTEROP 1 and 7).
func TestTheMCPSDKAuthorizesItself(t *testing.T) {
	w := newWorld(t)
	t.Run("it names no scope", func(t *testing.T) {
		serveMCP(t, w)
		callTool(t, w, authorizer(t, w, false, "tools:call"))
	})
	t.Run("it names those of the resource, and asks for refresh tokens", func(t *testing.T) {
		serveMCP(t, w, "tools:call")
		callTool(t, w, authorizer(t, w, true, "offline_access tools:call")) // the SDK sends them in any order
	})
}

func callTool(t *testing.T, w *world, handler auth.OAuthHandler) {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "agent", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
		Endpoint: mcpResource, HTTPClient: w.gateway.client(), OAuthHandler: handler, DisableStandaloneSSE: true,
	}, nil)
	must(t, err)
	defer session.Close() //nolint:errcheck // nothing hangs on it
	got, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "whoami"})
	must(t, err)
	if said, ok := got.Content[0].(*mcp.TextContent); !ok || said.Text != "user/ada" {
		t.Errorf("the tool said %v", text(got.Content))
	}
}

// inOrder sorts a list of scopes.
func inOrder(scope any) string {
	words := strings.Fields(fmt.Sprint(scope))
	slices.Sort(words)
	return strings.Join(words, " ")
}
