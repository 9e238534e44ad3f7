package oauthclient

import (
	"context"
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/outcome"
	"clientele.dev/clientele/controllers/internal/status"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// serverKey is the AuthorizationServer of an OAuthClient. mine: the OAuthClient is this
// operator's.
func (r *Reconciler) serverKey(oac *v1alpha1.OAuthClient) (key types.NamespacedName, mine bool) {
	return r.Operator.Server(oac.Spec.ServerRef, oac.Status.ServerRef)
}

// notMine leaves an OAuthClient to the operator that it belongs to. If none has taken it
// in time, the status says why: its AuthorizationServer is in a namespace that does not
// count. That is said once, and never over what another operator wrote.
func (r *Reconciler) notMine(ctx context.Context, p *pass) outcome.Outcome {
	key := keyOf(p.client)
	r.unregistrable.forget(key)
	if !r.Operator.Unserved(p.client.Spec.ServerRef, p.client.Status.ServerRef) {
		r.board.Forget(key)
		return outcome.Done()
	}
	if left := status.Patience - p.now.Sub(p.client.CreationTimestamp.Time); left > 0 {
		return outcome.RetryAfter(left)
	}
	p.unserved = true
	_, _, p.problem = r.lookupServer(ctx, p.serverKey)
	if _, err := r.writeStatus(ctx, p); err != nil {
		return outcome.Fail(err)
	}
	return outcome.Done()
}

func (r *Reconciler) watched(namespace string) bool {
	return r.Watched == nil || r.Watched(namespace)
}

// unwatched leaves the clients of a namespace alone that the operator does not watch, for
// instance because its rights there were taken away. Only if the namespace is gone are its
// OAuthClients gone too.
func (r *Reconciler) unwatched(ctx context.Context, key types.NamespacedName) outcome.Outcome {
	gone, err := r.namespaceGone(ctx, key.Namespace)
	if err != nil {
		return outcome.Retry()
	}
	if !gone {
		return outcome.Done()
	}
	return r.deregister(ctx, key)
}

// namespaceGone asks the API server.
func (r *Reconciler) namespaceGone(ctx context.Context, name string) (bool, error) {
	err := r.Live.Get(ctx, types.NamespacedName{Name: name}, &corev1.Namespace{})
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read namespace %s: %w", name, err)
	}
	return false, nil
}
