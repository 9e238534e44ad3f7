package endpoint

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/clientauth"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/token"
	"clientele.dev/clientele/authserver/tokenstatus"
)

// token is POST /oauth/token (RFC 6749, Section 3.2). The order of the steps is
// the order of the checks:
//
//  0. may this replica issue at all?
//  1. parse the form, once
//  2. authenticate the client
//  3. is the grant type known, and registered for this client?
//  4. resource and scope as asked; one resource at most
//  5. the grant: what is issued
//  6. mint and write
//
// Nothing here writes to the store, logs, or takes a lock that all requests
// share, but that the grants for users take codes and move families on, and that
// the store is read once more before a client is refused (caughtUp).
func (s *Server) token(x *exchange) int {
	now := s.Now()
	granted, issue, err := s.issue(x, now)
	if err == nil {
		err = s.writeTokens(x, granted.client, issue, now)
	}
	if err != nil {
		granted.outcomes.failure(oauth.CodeOf(err)).Inc()
		s.auditEnded(x, granted.client, err)
		return s.fail(x, err)
	}
	granted.outcomes.success.Inc()
	if issue.Retried {
		s.Metrics.retries.Inc()
		s.Audit.Write(x.r.Context(), audit.TokenRetried, slog.String("client_id", granted.client.ClientID), slog.String("remote", s.remoteAddress(x)))
	}
	s.noteUse(x, granted.client)
	return http.StatusOK
}

// granting is who gets something by which grant; for counting, it is filled as
// far as the pipeline came.
type granting struct {
	counted
	client *registry.Client
}

func (s *Server) issue(x *exchange, now time.Time) (granting, grant.Issue, error) {
	g := granting{counted: counted{outcomes: s.Metrics.otherGrant}}
	// 0.
	if x.view.verifier == nil || x.view.minter == nil || !s.Health.MayIssue(x.view, now) {
		return g, grant.Issue{}, oauth.TemporarilyUnavailable("this replica cannot issue tokens at the moment")
	}
	// 1.
	p, err := readForm(x)
	if err != nil {
		return g, grant.Issue{}, err
	}
	// 2.
	if g.client, err = s.authenticate(x, &p); err != nil {
		return g, grant.Issue{}, err
	}
	// 3.
	if g.counted, err = s.grantFor(x.view, g.client, p.Get("grant_type")); err != nil {
		return g, grant.Issue{}, err
	}
	// 4.
	resource, err := oneResource(&p)
	if err != nil {
		return g, grant.Issue{}, err
	}
	// 5.
	issue, err := g.Issue(x.r.Context(), grant.Request{
		Client:   g.client,
		Params:   &p,
		Resource: resource,
		Scope:    p.Get("scope"),
		Terms:    x.view.terms,
		Keys:     x.view.serverKeys,
		Now:      now,
	})
	return g, issue, err
}

func (s *Server) authenticate(x *exchange, p *params.Params) (*registry.Client, error) {
	presented, err := s.presented(x, p)
	if err != nil {
		return nil, err
	}
	var client *registry.Client
	err = s.caughtUp(x.r.Context(), func() (err error) {
		client, err = x.view.verifier.Verify(presented)
		return err
	})
	if err != nil {
		s.auditRefused(x, presented, err)
	}
	return client, err
}

// presented is who the request says it is from. A public client may leave its
// client_id out when it refreshes: the refresh token names its client. Whether
// that one is public, and everything else, is held against the client as always.
func (s *Server) presented(x *exchange, p *params.Params) (clientauth.Presented, error) {
	text := p.Get("refresh_token")
	if text == "" || p.Get("client_id") != "" || x.r.Header.Get("Authorization") != "" ||
		p.Get("client_secret") != "" || p.Get("client_assertion") != "" {
		return clientauth.Read(x.r.Header["Authorization"], p)
	}
	clientID, err := s.clientOfRefreshToken(x, text)
	return clientauth.Presented{ClientID: clientID, Method: oauth.AuthNone}, err
}

// clientOfRefreshToken returns the client that a refresh token of ours was made
// for. The error is an invalid_grant, or the store's.
func (s *Server) clientOfRefreshToken(x *exchange, text string) (string, error) {
	parsed, err := x.view.serverKeys.ParseRefreshToken(text)
	if err != nil {
		return "", oauth.InvalidGrant("the refresh token is unknown, expired or revoked").WithCause(err)
	}
	family, err := s.Flows.Family(x.r.Context(), parsed.Family)
	if errors.Is(err, store.ErrNotFound) {
		return "", oauth.InvalidGrant("the refresh token is unknown, expired or revoked").WithCause(err)
	}
	if err != nil {
		return "", fmt.Errorf("reading a refresh token family: %w", err)
	}
	return family.Grant.ClientID, nil
}

// auditRefused tells who could not authenticate. What was sent as the client id
// is told only if it could be one: people paste secrets into wrong fields.
func (s *Server) auditRefused(x *exchange, p clientauth.Presented, err error) {
	id := "(not a client id)"
	if oauth.ValidClientID(p.ClientID) && !credential.LooksSecret(p.ClientID) {
		id = p.ClientID
	}
	s.Audit.Write(x.r.Context(), audit.AuthenticationRefused,
		slog.String("client_id", id),
		slog.String("method", string(p.Method)),
		slog.String("cause", cause(err)),
		slog.String("remote", s.remoteAddress(x)))
}

// auditEnded tells of a code, or a refresh token, that ended what was made from it.
func (s *Server) auditEnded(x *exchange, c *registry.Client, err error) {
	var event audit.Name
	switch {
	case errors.Is(err, grant.ErrReused):
		event = audit.TokenReused
	case errors.Is(err, grant.ErrAhead):
		event = audit.TokenAhead
	default:
		return
	}
	s.Audit.Write(x.r.Context(), event, slog.String("client_id", c.ClientID), slog.String("remote", s.remoteAddress(x)))
}

func (s *Server) grantFor(v *View, c *registry.Client, grantType string) (counted, error) {
	g, ok := s.grants[oauth.GrantType(grantType)]
	switch {
	case grantType == "":
		return counted{outcomes: s.Metrics.otherGrant}, oauth.InvalidRequest("grant_type is missing")
	case !ok || !v.grants(g.Type()):
		return counted{outcomes: s.Metrics.otherGrant}, oauth.UnsupportedGrantType("this server does not support the grant type")
	}
	return g, grant.Allowed(c, g.Type())
}

// oneResource returns the resource asked for, "" if none is. RFC 8707, Section 2
// permits several; a token of ours has one audience (DIVERGENCES.md).
func oneResource(p *params.Params) (string, error) {
	all := p.All("resource")
	switch len(all) {
	case 0:
		return "", nil
	case 1:
		return all[0], nil
	}
	return "", oauth.InvalidTarget("ask for one resource at a time: a token is issued for a single audience")
}

// tokenResponse is RFC 6749, Section 5.1, and OpenID Connect Core, Section 3.1.3.3.
type tokenResponse struct {
	AccessToken  string `json:"access_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in"`
	Scope        string `json:"scope,omitempty"`
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
}

// writeTokens mints the access token and writes the response of RFC 6749,
// Section 5.1.
func (s *Server) writeTokens(x *exchange, c *registry.Client, issue grant.Issue, now time.Time) error {
	lifetime := int64(issue.Lifetime / time.Second)
	claims := token.AccessClaims{
		Issuer:   x.view.terms.Issuer,
		Subject:  issue.Subject,
		ClientID: c.ClientID,
		Scope:    issue.Scope,
		Audience: issue.Resource,
		JTI:      tokenstatus.JTI(issue.Family),
		Roles:    issue.Roles,
		Tenant:   issue.Tenant,
		IssuedAt: now.Unix(),
		Expires:  now.Unix() + lifetime,
	}
	access, err := x.view.minter.Mint(claims)
	if err != nil {
		return err
	}
	identity, err := x.view.idToken(issue.Identity, claims, access)
	if err != nil {
		return err
	}
	writeJSON(x, http.StatusOK, tokenResponse{
		AccessToken: access, TokenType: "Bearer", ExpiresIn: lifetime,
		Scope: issue.Scope, RefreshToken: issue.RefreshToken.Reveal(), IDToken: identity,
	})
	return nil
}

// idToken makes the ID token that goes with an access token; "" if none is asked
// for. It lives as long as the access token.
func (v *View) idToken(identity *grant.Identity, access token.AccessClaims, accessToken string) (string, error) {
	if identity == nil {
		return "", nil
	}
	return v.identity.Mint(token.IDClaims{
		Issuer: access.Issuer, Subject: access.Subject, Audience: access.ClientID,
		SessionID: identity.SessionID, Nonce: identity.Nonce, AuthTime: identity.AuthTime,
		AccessTokenHash: token.Hash(accessToken),
		IssuedAt:        access.IssuedAt, Expires: access.Expires,
	})
}
