package endpoint

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/logo"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/tokenstatus"
)

// RegistrarAuthorizer says who a registrar's bearer token belongs to.
type RegistrarAuthorizer interface {
	// Authorize verifies the token. A token that is not valid here is an
	// *oauth.Error with code invalid_token; any other error means that it could
	// not be found out, and nothing is permitted.
	Authorize(ctx context.Context, bearer string) (Caller, error)
}

// Caller is who calls a registrar endpoint.
type Caller struct {
	// Cluster the caller belongs to; never empty.
	Cluster string
	// User name, for the audit log.
	User string
	// Manage says that the caller is a registrar (RBAC verb manage).
	Manage bool
	// Register says that the caller may register clients as RFC 7591 has it, and
	// no more (RBAC verb register).
	Register bool
}

// Replicas lists the running replicas; see store.Leases.
type Replicas interface {
	Replicas(ctx context.Context, now time.Time) ([]oauth.Replica, error)
}

// Health is the state of the process that endpoints depend on.
type Health interface {
	// View is the snapshot in force; nil before there are settings. It takes no
	// lock.
	View() *View
	// MayIssue says whether this replica may speak for the server: its view of
	// the store is confirmed and its lease holds. It takes no lock.
	MayIssue(v *View, now time.Time) bool
	// UsersReport is what is known of the people who may sign in, nil if nothing
	// is; the channel is closed when another report takes its place.
	UsersReport() (*oauth.UsersReport, <-chan struct{})
	// StorageReport is how it goes with the storage, nil while that is not known; the
	// channel is closed when another state takes its place.
	StorageReport() (*oauth.StorageReport, <-chan struct{})
	// Missing names what is missing to be ready; empty: ready.
	Missing() []string
	// Impaired names what keeps a server that is ready from issuing tokens.
	Impaired(now time.Time) []string
}

// Config is what the endpoints need. Every field is required unless it says
// otherwise.
type Config struct {
	Health     Health
	Registry   *registry.Registry
	Registrars RegistrarAuthorizer
	Replicas   Replicas
	Flows      store.Flows
	// Roster says who of those who signed in is still welcome.
	Roster signin.Roster
	// Password signs local users in.
	Password *signin.Password
	// Upstreams returns the upstream providers in force, nil while they are not
	// known yet. Nil itself: there are none.
	Upstreams func() *signin.Upstreams
	// Logos of declared clients; nil: none are shown.
	Logos   *logo.Cache
	Grants  []grant.Grant
	Metrics *Metrics
	Audit   *audit.Log
	Log     *slog.Logger
	Now     func() time.Time
	// Draining is closed when the server begins to stop: long polls end at once.
	Draining <-chan struct{}
}

// Server is the http.Handler of the authorization server.
type Server struct {
	Config
	routes    map[string]*route // by path; a prefix ends with "/"
	grants    map[oauth.GrantType]counted
	described atomic.Pointer[described]
	// registrations limits those who register themselves: anybody, and apart from
	// them those who authenticate, whom no flood of the others keeps out.
	registrations, userRegistrations limits
	// selfChanges limits what these then do to their clients, again apart.
	selfChanges, userChanges limits
	// pushes limits pushed requests of clients that do not authenticate.
	pushes limits
	tokens tokenstatus.Checker
}

// counted is a grant with its counters.
type counted struct {
	grant.Grant
	outcomes *outcomes
}

// New makes a Server.
func New(c Config) *Server {
	s := &Server{Config: c, routes: map[string]*route{}, grants: map[oauth.GrantType]counted{}}
	s.tokens = tokenstatus.Checker{Client: s.clientOfToken, Revocations: c.Flows, Users: c.Roster, Policies: c.Registry.Policies}
	for _, g := range c.Grants {
		s.grants[g.Type()] = counted{g, c.Metrics.grant(string(g.Type()))}
	}
	for _, r := range s.table() {
		r.requests = c.Metrics.route(r.name)
		s.routes[r.path] = &r
	}
	return s
}
