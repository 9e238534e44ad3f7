package endpoint

import (
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/clientauth"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/token"
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
// share.
func (s *Server) token(x *exchange) int {
	now := s.Now()
	granted, issue, err := s.issue(x, now)
	if err == nil {
		err = s.writeTokens(x, granted.client, issue, now)
	}
	if err != nil {
		granted.outcomes.failure(oauth.CodeOf(err)).Inc()
		return s.fail(x, err)
	}
	granted.outcomes.success.Inc()
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
	if g.counted, err = s.grantFor(g.client, p.Get("grant_type")); err != nil {
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
		Now:      now,
	})
	return g, issue, err
}

func (s *Server) authenticate(x *exchange, p *params.Params) (*registry.Client, error) {
	presented, err := clientauth.Read(x.r.Header["Authorization"], p)
	if err != nil {
		return nil, err
	}
	client, err := x.view.verifier.Verify(presented)
	if err != nil {
		s.auditRefused(x, presented, err)
	}
	return client, err
}

// auditRefused tells who could not authenticate. What was sent as the client id
// is told only if it could be one: people paste secrets into wrong fields.
func (s *Server) auditRefused(x *exchange, p clientauth.Presented, err error) {
	id := "(not a client id)"
	if oauth.ValidClientID(p.ClientID) && !looksSecret(p.ClientID) {
		id = p.ClientID
	}
	s.Audit.Write(x.r.Context(), audit.AuthenticationRefused,
		slog.String("client_id", id),
		slog.String("method", string(p.Method)),
		slog.String("cause", cause(err)),
		slog.String("remote", x.r.RemoteAddr))
}

func (s *Server) grantFor(c *registry.Client, grantType string) (counted, error) {
	g, ok := s.grants[oauth.GrantType(grantType)]
	switch {
	case grantType == "":
		return counted{outcomes: s.Metrics.otherGrant}, oauth.InvalidRequest("grant_type is missing")
	case !ok:
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

// buffers hold a response while it is put together.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// writeTokens mints the access token and writes the response of RFC 6749,
// Section 5.1.
func (s *Server) writeTokens(x *exchange, c *registry.Client, issue grant.Issue, now time.Time) error {
	lifetime := int64(issue.Lifetime / time.Second)
	access, err := x.view.minter.Mint(token.AccessClaims{
		Issuer:   x.view.terms.Issuer,
		Subject:  issue.Subject,
		ClientID: c.ClientID,
		Scope:    issue.Scope,
		Audience: issue.Resource,
		JTI:      credential.NewID(),
		IssuedAt: now.Unix(),
		Expires:  now.Unix() + lifetime,
	})
	if err != nil {
		return err
	}
	buffer := buffers.Get().(*[]byte)
	b := append((*buffer)[:0], `{"access_token":"`...)
	b = append(b, access...)
	b = append(b, `","token_type":"Bearer","expires_in":`...)
	b = strconv.AppendInt(b, lifetime, 10)
	if issue.Scope != "" {
		// A scope has no character that JSON escapes (RFC 6749, Section 3.3).
		b = append(b, `,"scope":"`...)
		b = append(b, issue.Scope...)
		b = append(b, '"')
	}
	b = append(b, '}')
	x.w.Header()["Content-Type"] = jsonType
	_, _ = x.w.Write(b) // the caller is gone; nobody is left to tell
	*buffer = b
	buffers.Put(buffer)
	return nil
}
