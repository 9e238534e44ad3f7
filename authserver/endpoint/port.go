package endpoint

import "net/http"

// port is the listener that a request came through.
type port int

const (
	// portAll has every route: registrars have no listener of their own.
	portAll port = iota
	// portPublic has no route that is only for registrars. A caller with verb manage has
	// no more rights there than one with verb register, so that no public route carries a
	// registrar's rights.
	portPublic
	// portRegistrar has the routes that registrars use, and takes no other caller.
	portRegistrar
)

// served says which listener has a route, where registrars have one of their own.
type served int

const (
	atPublic served = iota
	atRegistrar
	atBoth
)

// at reports whether a listener has the route.
func (r *route) at(p port) bool {
	switch p {
	case portPublic:
		return r.served != atRegistrar
	case portRegistrar:
		return r.served != atPublic
	}
	return true
}

// ServeHTTP answers everything, for a server with one listener.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.answerAt(portAll, w, r) }

// Public is the handler of the public listener, and Registrar that of the registrars', of
// a server that has both.
func (s *Server) Public() http.Handler { return s.handlerAt(portPublic) }

// Registrar is the other handler; see Public.
func (s *Server) Registrar() http.Handler { return s.handlerAt(portRegistrar) }

func (s *Server) handlerAt(p port) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.answerAt(p, w, r) })
}
