package oauthclient

import (
	"context"
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/outcome"
	"clientele.dev/clientele/controllers/registrar"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// server returns an AuthorizationServer that counts, and the registrar's side of
// it; a problem of reason ServerNotFound if there is none.
func (r *Reconciler) lookupServer(ctx context.Context, key types.NamespacedName) (*v1alpha1.AuthorizationServer, *registrar.Server, *problem) {
	if !r.serves(key.Namespace) {
		notCounted := serverNotFound("an AuthorizationServer in namespace %q does not count: the operator's flag --authorization-server-namespaces does not name it", key.Namespace)
		notCounted.stalled = true
		return nil, nil, notCounted
	}
	var as v1alpha1.AuthorizationServer
	err := r.Client.Get(ctx, key, &as, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return nil, nil, serverNotFound("there is no AuthorizationServer %s", key)
	}
	if err != nil {
		return nil, nil, fromKubernetes(err, "read AuthorizationServer "+key.String())
	}
	return &as, r.Servers.For(&as), nil
}

// serverNotFound is no final problem: an AuthorizationServer may come a moment after its
// clients.
func serverNotFound(format string, args ...any) *problem {
	return &problem{
		reason:  v1alpha1.ReasonServerNotFound,
		message: fmt.Sprintf(format, args...),
		outcome: outcome.Wait(safetyNet),
	}
}

// findServer resolves spec.serverRef.
func (r *Reconciler) findServer(ctx context.Context, p *pass) *problem {
	as, server, problem := r.lookupServer(ctx, p.serverKey)
	if problem != nil {
		return problem
	}
	p.as, p.server = as, server
	p.endpoints = server.State().Endpoints
	if p.endpoints.Token == "" && as.Status.Endpoints != nil {
		// Known from before the operator started: enough to keep credentials in
		// order while the server is down.
		p.endpoints = registrar.Endpoints{
			Issuer:       as.Spec.Issuer,
			Token:        as.Status.Endpoints.Token,
			JWKS:         as.Status.Endpoints.JWKS,
			Registration: as.Status.Endpoints.Registration,
		}
	}
	return nil
}

// awaitInventory holds everything that would ask the server back until it is
// known what the server holds: 10,000 clients must not all ask when the operator
// starts.
func (r *Reconciler) awaitInventory(_ context.Context, p *pass) *problem {
	state := p.server.State()
	if state.Synced {
		p.endpoints = state.Endpoints
		return nil
	}
	err := state.Err
	if err == nil {
		err = registrar.ErrNotSynced
	}
	problem := fromServer(err)
	problem.quiet, problem.stalled = true, false
	problem.outcome = outcome.Wait(safetyNet)
	return problem
}
