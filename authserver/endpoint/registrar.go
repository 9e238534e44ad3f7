package endpoint

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
)

// maxBearer bounds a bearer token in bytes; ServiceAccount tokens have about a
// thousand.
const maxBearer = 8 << 10

// errNoToken is the cause of the invalid_token about a request without any Bearer
// token: it is told that one is needed, and no error code (RFC 6750, Section 3.1).
var errNoToken = errors.New("no bearer token was presented")

func noToken() error {
	return oauth.InvalidToken("an Authorization header with a Bearer token is required").WithCause(errNoToken)
}

// bearer returns the token of the Authorization header (RFC 6750, Section 2.1).
func bearer(r *http.Request) (string, error) {
	header := r.Header["Authorization"]
	if len(header) > 1 {
		return "", oauth.InvalidToken("one Authorization header with a Bearer token is required")
	}
	if len(header) == 0 {
		return "", noToken()
	}
	name, token, _ := strings.Cut(header[0], " ")
	token = strings.TrimLeft(token, " ")
	switch {
	case !strings.EqualFold(name, "Bearer"):
		return "", noToken()
	case token == "" || len(token) > maxBearer:
		return "", oauth.InvalidToken("a Bearer token is required")
	}
	return token, nil
}

// registrar returns the registrar that calls, or an *oauth.Error: invalid_token,
// insufficient_scope for somebody who is none, temporarily_unavailable if that
// could not be found out.
func (s *Server) registrar(x *exchange) (Caller, error) {
	caller, err := s.caller(x)
	if err == nil && !caller.Manage {
		return Caller{}, s.refused(x, caller, noRegistrar(x))
	}
	return caller, err
}

// byRegistrar is what only registrars get as far as.
func (s *Server) byRegistrar(handle func(*exchange, Caller) int) handler {
	return func(x *exchange) int {
		caller, err := s.registrar(x)
		if err != nil {
			return s.fail(x, err)
		}
		return handle(x, caller)
	}
}

func noRegistrar(x *exchange) error {
	if x.port == portPublic {
		return oauth.InsufficientScope("only a registrar may do this, and at the registrar port of this server")
	}
	return oauth.InsufficientScope("only a registrar may do this: it takes RBAC verb manage on the AuthorizationServer")
}

// caller returns who calls, whatever they may do: at the public port of a server with two
// nobody is a registrar. Errors as of registrar.
func (s *Server) caller(x *exchange) (Caller, error) {
	token, err := bearer(x.r)
	if err != nil {
		return Caller{}, s.refused(x, Caller{}, err)
	}
	caller, err := s.Registrars.Authorize(x.r.Context(), token)
	switch {
	case err != nil:
		return Caller{}, s.refused(x, caller, unavailable(err))
	case caller.Cluster == "":
		return Caller{}, s.refused(x, caller, noRegistrar(x))
	}
	if x.port == portPublic && caller.Manage {
		caller.Manage, caller.Register = false, true
	}
	return caller, nil
}

// unavailable makes a failure to find out an answer that permits nothing.
func unavailable(err error) error {
	var protocol *oauth.Error
	if errors.As(err, &protocol) {
		return err
	}
	return oauth.TemporarilyUnavailable("the caller cannot be verified at the moment").WithCause(err)
}

func (s *Server) refused(x *exchange, caller Caller, err error) error {
	s.Audit.Write(x.r.Context(), audit.RegistrarRefused,
		slog.String("route", x.route.name),
		slog.String("code", string(oauth.CodeOf(err))),
		slog.String("caller", caller.User),
		slog.String("cause", cause(err)),
		slog.String("remote", s.remoteAddress(x)))
	return err
}

// cause is the private reason of an error, or else its public text.
func cause(err error) string {
	protocol := oauth.AsError(err)
	if inner := protocol.Unwrap(); inner != nil {
		return inner.Error()
	}
	return protocol.Description
}

// storeError is the answer to an error of the registry: a protocol error is one;
// a registry that is still loading will answer later.
func storeError(err error) error {
	if errors.Is(err, registry.ErrNotLoaded) {
		return oauth.TemporarilyUnavailable("the server is starting").WithCause(err)
	}
	return err
}
