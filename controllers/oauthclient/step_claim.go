package oauthclient

import (
	"context"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/outcome"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// claim says whether another OAuthClient, or an orphan, has the client id. The server decides that by
// what it holds; but a server that lost its store holds nothing, and would give the id to
// the OAuthClient that is registered first. So an OAuthClient that has never had its
// client id leaves it to one that has.
func (r *Reconciler) claim(ctx context.Context, p *pass) *problem {
	if p.client.Status.CredentialsSecret != "" {
		return nil
	}
	var same v1alpha1.OAuthClientList
	err := r.Client.List(ctx, &same, client.MatchingFields{indexClientID: clientIDKey(p.serverKey, p.client)}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return fromKubernetes(err, "list the OAuthClients with this client id")
	}
	for i := range same.Items {
		other := &same.Items[i]
		if other.UID != p.client.UID && other.DeletionTimestamp == nil && other.Status.CredentialsSecret != "" {
			return idTaken(p, "another OAuthClient")
		}
	}
	var orphans corev1.SecretList
	err = r.Client.List(ctx, &orphans, client.InNamespace(p.serverKey.Namespace),
		client.MatchingFields{indexOrphan: orphanKey(p.serverKey, clientID(p.client))}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return fromKubernetes(err, "list the orphans with this client id")
	}
	for i := range orphans.Items {
		if ownerOf(&orphans.Items[i]) != keyOf(p.client) {
			return idTaken(p, "an orphan")
		}
	}
	return nil
}

// idTaken names no owner: its name is not for every namespace.
func idTaken(p *pass, owner string) *problem {
	problem := liftable(stalled(v1alpha1.ReasonClientIDTaken,
		"client id %s belongs to %s of AuthorizationServer %s: make a new OAuthClient with another client id", clientID(p.client), owner, p.serverKey))
	problem.outcome = outcome.Stall(lookAgain)
	return problem
}

// orphanKey is what indexOrphan has of an orphan's registration Secret.
func orphanKey(server types.NamespacedName, clientID string) string {
	return server.String() + " " + clientID
}

// clientIDKey is what indexClientID has of an OAuthClient.
func clientIDKey(server types.NamespacedName, oac *v1alpha1.OAuthClient) string {
	return server.String() + " " + clientID(oac)
}
