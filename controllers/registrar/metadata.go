package registrar

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"clientele.dev/clientele/authserver/oauth"
)

// Endpoints are the URLs of a server's endpoints as its metadata tells them:
// what clients use, and so what stands in Secrets and status.
type Endpoints struct {
	Issuer       string
	Token        string
	JWKS         string
	Registration string

	Revocation, Introspection string
	// The rest is there where people sign in.
	Authorization, PushedAuthorizationRequest, Userinfo string
}

// Endpoints returns the server's endpoints, from memory if they were read
// before. The inventory loop reads them anew whenever it had lost the server, or reaches
// it elsewhere.
func (s *Server) Endpoints(ctx context.Context) (Endpoints, error) {
	s.fetching.Lock()
	defer s.fetching.Unlock()
	s.mu.Lock()
	have, by := s.endpoints, s.readBy
	s.mu.Unlock()
	if have.Issuer != "" && by == s.route.Load() {
		return have, nil
	}
	return s.fetchEndpoints(ctx)
}

func (s *Server) fetchEndpoints(ctx context.Context) (Endpoints, error) {
	var m oauth.ServerMetadata
	by := s.route.Load()
	_, err := s.do(ctx, call{method: http.MethodGet, url: s.metadataURL(), into: &m, anonymous: true})
	if err != nil {
		return Endpoints{}, fmt.Errorf("read the server's metadata: %w", err)
	}
	if err := s.checkMetadata(m); err != nil {
		return Endpoints{}, err
	}
	if err := s.takeMetadata(m, by); err != nil {
		return Endpoints{}, err
	}
	e := Endpoints{
		Issuer: m.Issuer, Token: m.TokenEndpoint, JWKS: m.JWKSURI, Registration: m.RegistrationEndpoint,
		Revocation: m.RevocationEndpoint, Introspection: m.IntrospectionEndpoint,
		Authorization: m.AuthorizationEndpoint, PushedAuthorizationRequest: m.PushedAuthorizationRequestEndpoint, Userinfo: m.UserinfoEndpoint,
	}
	s.mu.Lock()
	s.endpoints, s.readBy = e, by
	s.mu.Unlock()
	return e, nil
}

// metadataURL puts the well-known part between host and path (RFC 8414, Section
// 3.1).
func (s *Server) metadataURL() string {
	base := s.base()
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	path := u.EscapedPath()
	return strings.TrimSuffix(base, path) + "/.well-known/oauth-authorization-server" + trimSlash(path)
}

func (s *Server) checkMetadata(m oauth.ServerMetadata) error {
	// RFC 8414, Section 3.3: identical, or the metadata must not be used.
	if m.Issuer != s.target.issuer {
		return fmt.Errorf("%w: %q instead of %q", ErrIssuer, clip(m.Issuer), s.target.issuer)
	}
	for _, e := range []struct{ name, url string }{
		{"token_endpoint", m.TokenEndpoint},
		{"jwks_uri", m.JWKSURI},
		{"registration_endpoint", m.RegistrationEndpoint},
	} {
		if e.url == "" {
			return fmt.Errorf("%w: no %s", ErrMetadata, e.name)
		}
	}
	// The registrar's token is for this server only.
	if !strings.HasPrefix(m.RegistrationEndpoint, m.Issuer+"/") {
		return fmt.Errorf("%w: registration_endpoint does not lie below the issuer", ErrMetadata)
	}
	return nil
}

// reach turns a URL below the issuer into one by which the operator reaches it.
func (s *Server) reach(u string) string {
	return s.base() + strings.TrimPrefix(u, s.target.issuer)
}

func (s *Server) registrarURL(path string) string { return s.base() + "/registrar/v1/" + path }
