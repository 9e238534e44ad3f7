package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/tokenstatus"
)

// introspection is the answer of RFC 7662, Section 2.2. Of a token that is not
// active, or not for the caller to ask about, it has `active` alone.
type introspection struct {
	Active    bool     `json:"active"`
	Scope     string   `json:"scope,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	TokenType string   `json:"token_type,omitempty"`
	Expires   int64    `json:"exp,omitempty"`
	IssuedAt  int64    `json:"iat,omitempty"`
	Subject   string   `json:"sub,omitempty"`
	Audience  audience `json:"aud,omitempty"`
	Issuer    string   `json:"iss,omitempty"`
	JTI       string   `json:"jti,omitempty"`
	Roles     []string `json:"roles,omitempty"`
	Tenant    string   `json:"tenant,omitempty"`
}

// audience is one string or several (RFC 7519, Section 4.1.3).
type audience []string

// MarshalJSON implements json.Marshaler.
func (a audience) MarshalJSON() ([]byte, error) {
	if len(a) == 1 {
		return json.Marshal(a[0])
	}
	return json.Marshal([]string(a))
}

// introspect is POST /oauth/introspect (RFC 7662, Section 2):
//
//  1. parse the form, once
//  2. authenticate the client; a public one cannot, and may not ask
//  3. is the token one of ours, and good for anything?
//  4. may the caller know? The token's own client may, and for an access token a
//     resource server that a policy of its resource names (FAILURES A6)
//  5. write
//
// An outage is never "not active": a resource server would turn people away, or
// believe that a token was revoked.
func (s *Server) introspect(x *exchange) int {
	answer, err := s.introspection(x)
	if err != nil {
		return s.fail(x, err)
	}
	return writeJSON(x, http.StatusOK, answer)
}

func (s *Server) introspection(x *exchange) (introspection, error) {
	now := s.Now()
	if x.view.verifier == nil || !s.Health.MayIssue(x.view, now) {
		return introspection{}, oauth.TemporarilyUnavailable("this replica cannot tell at the moment")
	}
	// 1.
	p, err := readForm(x)
	if err != nil {
		return introspection{}, err
	}
	// 2.
	caller, err := s.authenticate(x, &p)
	if err != nil {
		return introspection{}, err
	}
	if caller.Public() {
		return introspection{}, oauth.InvalidClient("introspection takes client authentication (RFC 7662, Section 2.1)")
	}
	text := p.Get("token")
	if text == "" {
		return introspection{}, oauth.InvalidRequest("token is missing")
	}
	// 3. and 4.
	answer, err := s.introspectAccess(x.r.Context(), x.view, caller, text, now)
	if tokenstatus.Inactive(err) {
		answer, err = s.introspectRefresh(x.r.Context(), x.view, caller, text, now)
	}
	if err = s.unlessIncomplete(err); tokenstatus.Inactive(err) && oauth.CodeOf(err) != oauth.CodeTemporarilyUnavailable {
		return introspection{}, nil
	}
	return answer, err
}

func (s *Server) introspectAccess(ctx context.Context, v *View, caller *registry.Client, text string, now time.Time) (introspection, error) {
	a, err := s.tokens.Check(ctx, v.tokens, &v.terms.Terms, text, now)
	if err != nil {
		return introspection{}, err
	}
	if a.ClientID != caller.ClientID && !s.Registry.Policies().MayIntrospect(rights.PolicyClient(caller), a.Audience) {
		return introspection{}, tokenstatus.ErrInactive
	}
	return introspection{
		Active: true, Scope: a.Scope, ClientID: a.ClientID, TokenType: "Bearer", Expires: a.Expires, IssuedAt: a.IssuedAt,
		Subject: a.Subject, Audience: audience{a.Audience}, Issuer: a.Issuer, JTI: a.JTI, Roles: a.Roles, Tenant: a.Tenant,
	}, nil
}

// introspectRefresh is for the token's own client only: to a resource server no
// refresh token is ever shown. It answers what the grant would: a token that would be
// refused is not active, and scope and audience are those of the access tokens it gives.
func (s *Server) introspectRefresh(ctx context.Context, v *View, caller *registry.Client, text string, now time.Time) (introspection, error) {
	if !v.grants(oauth.GrantRefreshToken) {
		return introspection{}, tokenstatus.ErrInactive
	}
	refresh := grant.RefreshToken{Policies: s.Registry.Policies, Families: s.Flows, Consents: s.Flows, Users: s.Roster}
	state, err := refresh.Inspect(ctx, text, grant.Request{Client: caller, Terms: v.terms, Keys: v.serverKeys, Now: now})
	var refused *oauth.Error
	if errors.As(err, &refused) && refused.Code != oauth.CodeTemporarilyUnavailable {
		return introspection{}, errors.Join(tokenstatus.ErrInactive, err)
	}
	if err != nil {
		return introspection{}, err
	}
	f := state.Family
	var scopes []string
	var resources audience
	for _, right := range state.Rights {
		resources = append(resources, right.Resource)
		for _, scope := range right.Granted {
			if !slices.Contains(scopes, scope) {
				scopes = append(scopes, scope)
			}
		}
	}
	return introspection{
		Active: true, Scope: oauth.JoinScope(scopes), ClientID: f.Grant.ClientID, Expires: state.Expires.Unix(),
		IssuedAt: f.Rotated.Unix(), Subject: f.Grant.Subject, Audience: resources, Issuer: v.Settings.Issuer,
	}, nil
}
