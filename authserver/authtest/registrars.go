package authtest

import (
	"context"
	"errors"
	"sync"

	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

// Tokens that Registrars knows.
const (
	// RegistrarToken is a registrar's of Cluster.
	RegistrarToken = "registrar-token"
	// OtherClusterToken is a registrar's of another cluster.
	OtherClusterToken = "registrar-token-of-another-cluster"
	// RegisterToken may register clients as RFC 7591 has it, and no more.
	RegisterToken = "may-register"
	// NobodyToken is authenticated and has no right.
	NobodyToken = "authenticated-without-rights"
)

// Cluster of the registrar.
const Cluster = "cluster-1"

// Registrars stands in for TokenReview and SubjectAccessReview.
type Registrars struct {
	mu     sync.Mutex
	down   bool
	called func()
}

// OnAuthorize calls f whenever a registrar's token is looked at.
func (r *Registrars) OnAuthorize(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.called = f
}

// SetDown makes reviews fail, as if the API server were down.
func (r *Registrars) SetDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// Authorize implements endpoint.RegistrarAuthorizer.
func (r *Registrars) Authorize(_ context.Context, bearer string) (endpoint.Caller, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.called != nil {
		r.called()
	}
	if r.down {
		return endpoint.Caller{}, errors.New("dial tcp 10.0.0.1:443: connection refused")
	}
	switch bearer {
	case RegistrarToken:
		return endpoint.Caller{Cluster: Cluster, User: "operator", Manage: true}, nil
	case OtherClusterToken:
		return endpoint.Caller{Cluster: "cluster-2", User: "operator", Manage: true}, nil
	case RegisterToken:
		return endpoint.Caller{Cluster: Cluster, User: "developer", Register: true}, nil
	case NobodyToken:
		return endpoint.Caller{Cluster: Cluster, User: "somebody"}, nil
	}
	return endpoint.Caller{}, oauth.InvalidToken("the token is not valid here")
}
