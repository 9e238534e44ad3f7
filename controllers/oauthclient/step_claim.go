package oauthclient

import (
	"context"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/outcome"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// claim says whether another OAuthClient has the client id. The server decides that by
// what it holds; but a server that lost its store holds nothing, and would give the id to
// the OAuthClient that is registered first. So an OAuthClient that has never had its
// client id leaves it to one that has.
func (r *Reconciler) claim(ctx context.Context, p *pass) *problem {
	if p.client.Status.CredentialsSecret != "" {
		return nil
	}
	var same v1alpha1.OAuthClientList
	err := r.Client.List(ctx, &same, client.MatchingFields{indexClientID: r.clientIDKey(p.client)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return fromKubernetes(err, "list the OAuthClients with this client id")
	}
	for i := range same.Items {
		other := &same.Items[i]
		if other.UID != p.client.UID && other.DeletionTimestamp == nil && other.Status.CredentialsSecret != "" {
			problem := stalled(v1alpha1.ReasonClientIDTaken,
				"client id %s belongs to another OAuthClient of AuthorizationServer %s: make a new OAuthClient with another client id", clientID(p.client), p.serverKey)
			problem.outcome = outcome.Stall(lookAgain)
			return problem
		}
	}
	return nil
}

// clientIDKey is what indexClientID has of an OAuthClient.
func (r *Reconciler) clientIDKey(oac *v1alpha1.OAuthClient) string {
	return r.serverKey(oac).String() + " " + clientID(oac)
}
