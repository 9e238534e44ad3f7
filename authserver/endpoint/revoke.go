package endpoint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/tokenstatus"
)

// revoke is POST /oauth/revoke (RFC 7009, Section 2):
//
//  1. parse the form, once
//  2. who calls: credentials are checked if there are any; a public client may
//     leave its client_id out, for the token names it
//  3. what is it a token of? unknown and expired ones are 200 (Section 2.2)
//  4. another client's: 200, and nothing happens
//  5. a refresh token ends its family, and so does an access token of a user; one
//     of a client that acts for itself ends alone
//
// token_type_hint is not needed: the two kinds cannot be confused.
func (s *Server) revoke(x *exchange) int {
	// 1.
	p, err := readForm(x)
	if err == nil && p.Get("token") == "" {
		err = oauth.InvalidRequest("token is missing")
	}
	if err != nil {
		return s.fail(x, err)
	}
	// 2.
	caller, err := s.revoker(x, &p)
	if err != nil {
		return s.fail(x, err)
	}
	// 3. to 5.
	if err := s.revokeToken(x, caller, p.Get("token")); err != nil {
		// RFC 7009, Section 2.2.1: after a 503 the client knows that the token lives.
		return s.fail(x, oauth.TemporarilyUnavailable("the token could not be revoked; try again").WithCause(s.told(err)))
	}
	return emptyOK(x)
}

// told logs a failure that is answered as temporarily_unavailable.
func (s *Server) told(err error) error {
	s.Log.Error("a token could not be revoked", "error", err)
	return err
}

func emptyOK(x *exchange) int {
	x.w.WriteHeader(http.StatusOK)
	return http.StatusOK
}

// revoker returns the client that calls; nil: it does not say who it is, as
// public clients may (DESIGN, "Open registration").
func (s *Server) revoker(x *exchange, p *params.Params) (*registry.Client, error) {
	if len(x.r.Header["Authorization"]) == 0 && p.Get("client_id") == "" && p.Get("client_secret") == "" && p.Get("client_assertion") == "" {
		return nil, nil
	}
	if x.view.verifier == nil {
		return nil, oauth.TemporarilyUnavailable("the server is starting")
	}
	return s.authenticate(x, p)
}

// revocable is what a presented token is a token of.
type revocable struct {
	clientID string
	family   string // empty: the token is alone
	jti      string // of an access token
	expires  time.Time
	kind     string // for the audit log
}

func (s *Server) revokeToken(x *exchange, caller *registry.Client, text string) error {
	t, found, err := s.revocable(x.r.Context(), x.view, text)
	if err != nil || !found || !s.mayRevoke(caller, t.clientID) {
		return err
	}
	if err := s.end(x.r.Context(), t); err != nil {
		return err
	}
	s.Audit.Write(x.r.Context(), audit.TokenRevoked,
		slog.String("client_id", t.clientID),
		slog.String("kind", t.kind),
		slog.String("remote", s.remoteAddress(x)))
	return nil
}

// mayRevoke: a client its own tokens only (RFC 7009, Section 2.1). Whoever does
// not authenticate may end those of public clients, which is all that holding the
// token proves.
func (s *Server) mayRevoke(caller *registry.Client, clientID string) bool {
	if caller != nil {
		return caller.ClientID == clientID
	}
	owner, ok := s.Registry.Client(clientID)
	if !ok {
		return true // the client is gone; what is left of it may go too
	}
	return owner.Public()
}

// revocable finds out what a token is, by its signature or tag and not by what it
// says (FAILURES A13). Whether it is revoked already makes no difference.
func (s *Server) revocable(ctx context.Context, v *View, text string) (revocable, bool, error) {
	if refresh, err := v.serverKeys.ParseRefreshToken(text); err == nil {
		return s.revocableFamily(ctx, refresh.Family)
	}
	if v.tokens == nil {
		return revocable{}, false, nil
	}
	claims, err := v.tokens.Access(text, s.Now())
	if err != nil {
		return revocable{}, false, nil
	}
	t := revocable{clientID: claims.ClientID, jti: claims.JTI, expires: time.Unix(claims.Expires, 0).UTC(), kind: "access_token"}
	if family, ok := tokenstatus.FamilyOf(claims.JTI); ok {
		t.family = family
	}
	return t, true, nil
}

func (s *Server) revocableFamily(ctx context.Context, id string) (revocable, bool, error) {
	f, err := s.Flows.Family(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return revocable{}, false, nil
	}
	if err != nil {
		return revocable{}, false, fmt.Errorf("read the family of a refresh token: %w", err)
	}
	return revocable{clientID: f.Grant.ClientID, family: f.ID, kind: "refresh_token"}, true, nil
}

// end revokes. Of a user's access token the whole family ends: the person
// disconnects the app, or the app the person.
func (s *Server) end(ctx context.Context, t revocable) error {
	if t.family == "" {
		if err := s.Flows.RevokeToken(ctx, t.jti, t.expires); err != nil {
			return fmt.Errorf("revoke an access token: %w", err)
		}
		return nil
	}
	if _, err := s.Flows.RevokeFamilies(ctx, store.FamilyFilter{ID: t.family}, s.Now()); err != nil {
		return fmt.Errorf("revoke a refresh token family: %w", err)
	}
	return nil
}
