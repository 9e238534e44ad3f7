package endpoint

import (
	"context"
	"net/http"
	"slices"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/tokenstatus"
)

// userinfo is GET and POST /userinfo (OpenID Connect Core 1.0, Section 5.3):
//
//  1. one bearer token, in the header or, in a POST, in the form (RFC 6750,
//     Sections 2.1 and 2.2); in the URL it would end up in logs
//  2. the token holds, and is a user's
//  3. scope openid; for which resource it was issued does not matter (see
//     DIVERGENCES.md)
//  4. the claims that its scopes give (Section 5.4)
func (s *Server) userinfo(x *exchange) int {
	if !s.Health.MayIssue(x.view, s.Now()) {
		return s.fail(x, oauth.TemporarilyUnavailable("this replica cannot tell at the moment"))
	}
	// 1.
	text, err := presentedBearer(x)
	if err != nil {
		return s.fail(x, err)
	}
	claims, err := s.userClaims(x, text)
	if err != nil {
		return s.fail(x, err)
	}
	return writeJSON(x, http.StatusOK, claims)
}

// presentedBearer returns the token. More than one is invalid_request (RFC 6750,
// Section 2).
func presentedBearer(x *exchange) (string, error) {
	inHeader := len(x.r.Header["Authorization"]) > 0
	inForm := ""
	if x.r.Method == http.MethodPost && hasType(x.r, formType) {
		p, err := readForm(x)
		if err != nil {
			return "", err
		}
		inForm = p.Get("access_token")
	}
	switch {
	case inHeader && inForm != "":
		return "", oauth.InvalidRequest("the access token must be presented in one way only (RFC 6750, Section 2)")
	case inForm != "":
		return inForm, nil
	}
	return bearer(x.r)
}

func (s *Server) userClaims(x *exchange, text string) (map[string]any, error) {
	// 2.
	a, err := s.tokens.Check(x.r.Context(), x.view.tokens, &x.view.terms.Terms, text, s.Now())
	if tokenstatus.Inactive(err) {
		return nil, oauth.InvalidToken("the access token is invalid, expired or revoked").WithCause(err)
	}
	if err != nil {
		return nil, err
	}
	// 3.
	scopes, err := oauth.ParseScope(a.Scope)
	if err != nil || a.Family == nil || !slices.Contains(scopes, oauth.ScopeOpenID) {
		return nil, oauth.InsufficientScope("it takes an access token of a user with scope %s", oauth.ScopeOpenID)
	}
	// 4.
	person, err := s.person(x.r.Context(), x.view, a.Family.Grant)
	if err != nil {
		return nil, err
	}
	return claimsOf(person, a.Subject, scopes), nil
}

// claimsOf are the claims that the scopes give (OpenID Connect Core 1.0, Section
// 5.4, and what DIVERGENCES.md adds to profile); what is not known, or empty, is left
// out (Section 5.3.2).
func claimsOf(u signin.User, subject string, scopes []string) map[string]any {
	claims := map[string]any{"sub": subject}
	set := func(name, value string) {
		if value != "" {
			claims[name] = value
		}
	}
	list := func(name string, values []string) {
		if len(values) > 0 {
			claims[name] = values
		}
	}
	if slices.Contains(scopes, oauth.ScopeProfile) {
		set("name", u.Name)
		set("preferred_username", u.Username)
		list("groups", u.Groups)
		list("roles", u.Roles)
	}
	if slices.Contains(scopes, oauth.ScopeEmail) && u.Email != "" {
		claims["email"] = u.Email
		claims["email_verified"] = u.EmailVerified
	}
	return claims
}

// person is what is known of somebody now: of a local user what the document
// says; of somebody from elsewhere what their provider said when they signed in,
// as long as a session lasts.
func (s *Server) person(ctx context.Context, v *View, g store.Grant) (signin.User, error) {
	if u, ok, _ := s.Roster.Local.User(g.Subject); ok { // that it is known was seen in 2
		return u, nil
	}
	sessions, err := s.accounts(v).ActiveSessions(ctx, g.Subject, s.Now())
	if err != nil {
		return signin.User{}, err
	}
	if len(sessions) == 0 {
		return signin.User{}, nil
	}
	at := max(0, slices.IndexFunc(sessions, func(session store.Session) bool { return session.ID == g.SessionID }))
	known := sessions[at]
	return signin.User{
		Username: known.Username, Name: known.Name, Email: known.Email, EmailVerified: known.EmailVerified,
		Groups: known.Groups, Roles: known.Roles,
	}, nil
}
