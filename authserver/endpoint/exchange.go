package endpoint

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
)

// exchange is one request and its answer.
type exchange struct {
	w http.ResponseWriter
	r *http.Request
	// view in force when the request came; nil only where the route needs
	// nothing.
	view *View
	// port that the request came through.
	port port
	// rest is what follows a route's path that ends with "/".
	rest  string
	route *route
}

// Header values that are shared by all answers: net/http only reads them.
var (
	noStore  = []string{"no-store"}
	noCache  = []string{"no-cache"}
	closing  = []string{"close"}
	nosniff  = []string{"nosniff"}
	jsonType = []string{"application/json"}
	// A year of https. Names below the issuer's host are other people's, who may
	// have no https (no includeSubDomains), and it is not for us to have browsers
	// ship with it (no preload).
	strictTransport = []string{"max-age=31536000"}
)

// answerAt is the one wrapper around every endpoint.
func (s *Server) answerAt(p port, w http.ResponseWriter, r *http.Request) {
	x := &exchange{w: w, r: r, view: s.Health.View(), port: p}
	if ended(s.Draining) {
		// The client goes on at another replica. Its connection is not closed before it
		// is used once more: a request on the way would be lost. With HTTP/2, net/http
		// makes a GOAWAY of it.
		w.Header()["Connection"] = closing
	}
	if x.view != nil && strings.HasPrefix(x.view.origin, "https:") {
		// RFC 6797, Section 7.1. Whether TLS ended before us only a proxy knows; a
		// browser that came without it ignores the header (Section 8.1).
		w.Header()["Strict-Transport-Security"] = strictTransport
	}
	x.route, x.rest = s.find(r.URL.Path, x.view)
	if x.route != nil && !x.route.at(p) {
		x.route = nil
	}
	if x.route == nil {
		s.Metrics.notFound.Inc()
		header := w.Header()
		header["Cache-Control"], header["X-Content-Type-Options"] = noStore, nosniff
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	x.route.requests.status(s.serve(x)).Inc()
}

// serve makes the checks that are no endpoint's to remember, then calls it.
func (s *Server) serve(x *exchange) (status int) {
	defer func() {
		if p := recover(); p != nil {
			// The value may hold what a request sent; only its type is told.
			s.Log.Error("panic in a handler", "route", x.route.name, "type", fmt.Sprintf("%T", p))
			status = s.fail(x, oauth.ServerError("the server could not answer this request"))
		}
	}()
	header := x.w.Header()
	header["X-Content-Type-Options"] = nosniff
	if !x.route.cacheable {
		// RFC 6749, Section 5.1, and RFC 7591, Section 3.2.1.
		header["Cache-Control"], header["Pragma"] = noStore, noCache
	}
	if status, answered := s.crossOrigin(x); answered {
		return status
	}
	handle, ok := x.route.method(x.r.Method)
	if !ok {
		header.Set("Allow", x.route.allow())
		http.Error(x.w, "method not allowed", http.StatusMethodNotAllowed)
		return http.StatusMethodNotAllowed
	}
	if x.r.ContentLength > x.route.maxBody {
		return s.tooLarge(x)
	}
	if x.r.ContentLength < 0 { // unknown; otherwise net/http reads no more than it says
		x.r.Body = http.MaxBytesReader(x.w, x.r.Body, x.route.maxBody)
	}
	if x.view == nil && !x.route.needsNothing {
		return s.fail(x, oauth.TemporarilyUnavailable("the server is starting"))
	}
	return handle(x)
}

func (r *route) method(m string) (handler, bool) {
	if m == http.MethodHead && !r.effects {
		m = http.MethodGet // net/http leaves the body out
	}
	h, ok := r.methods[m]
	return h, ok
}

func (r *route) allow() string {
	var methods []string
	for m := range r.methods {
		methods = append(methods, m)
		if m == http.MethodGet && !r.effects {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// find looks a path up. An issuer with a path is served below that path; the
// well-known documents also with the path behind them (RFC 8414, Section 3.1).
// What is for people is not found where nobody signs in.
func (s *Server) find(path string, v *View) (*route, string) {
	if !params.Text(path) {
		return nil, ""
	}
	r, rest := s.lookup(path, v)
	if r != nil && r.people && v != nil && !v.Settings.Users {
		return nil, ""
	}
	return r, rest
}

func (s *Server) lookup(path string, v *View) (*route, string) {
	if v != nil && v.issuerPath != "" {
		path = s.withoutIssuer(path, v.issuerPath)
	}
	if r, ok := s.routes[path]; ok && !strings.HasSuffix(path, "/") {
		return r, ""
	}
	if strings.HasSuffix(path, "/") {
		return nil, ""
	}
	last := strings.LastIndexByte(path, '/') + 1
	for slash := last; slash > 0; slash = strings.LastIndexByte(path[:slash-1], '/') + 1 {
		if r, ok := s.routes[path[:slash]]; ok && (slash == last || r.deep) {
			return r, path[slash:]
		}
	}
	return nil, ""
}

func (s *Server) withoutIssuer(path, issuerPath string) string {
	if below, ok := strings.CutPrefix(path, issuerPath); ok && strings.HasPrefix(below, "/") {
		return below
	}
	for _, document := range []string{pathMetadata, pathOpenID} {
		if path == document+issuerPath {
			return document
		}
	}
	return path
}
