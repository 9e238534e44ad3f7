package oauthclient

import (
	"context"
	"slices"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Unregistered lists the OAuthClients, as namespace/name, whose client the server should
// hold and does not: those that are still to be registered, and orphans. An OAuthClient
// that cannot be registered until it is changed is none of them.
func (r *Reconciler) Unregistered(ctx context.Context, server *registrar.Server) ([]string, error) {
	var missing []string
	var clients v1alpha1.OAuthClientList
	if err := r.Client.List(ctx, &clients, client.MatchingFields{indexServer: server.Key().String()}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	for i := range clients.Items {
		oac := &clients.Items[i]
		entry, there := server.Inventory().Client(keyOf(oac))
		if there && entry.Owner.UID == string(oac.UID) && entry.Digest != tampered || oac.DeletionTimestamp != nil || cannotRegister(oac) {
			continue
		}
		missing = append(missing, keyOf(oac).String())
	}
	orphans, err := r.unregisteredOrphans(ctx, server)
	missing = append(missing, orphans...)
	slices.Sort(missing)
	return missing, err
}

// cannotRegister says that only a change of the object, or of what it depends on, helps.
func cannotRegister(oac *v1alpha1.OAuthClient) bool {
	stalled := meta.FindStatusCondition(oac.Status.Conditions, v1alpha1.ConditionStalled)
	return stalled != nil && oac.Status.ObservedGeneration == oac.Generation && stalled.Reason != v1alpha1.ReasonServerNotFound
}

// unregisteredOrphans lists the orphans that the server does not hold. They have a
// registration Secret and no OAuthClient.
func (r *Reconciler) unregisteredOrphans(ctx context.Context, server *registrar.Server) ([]string, error) {
	var secrets corev1.SecretList
	err := r.Client.List(ctx, &secrets, client.InNamespace(server.Key().Namespace),
		client.MatchingLabels{v1alpha1.LabelSecretKind: v1alpha1.SecretKindRegistration}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, err
	}
	var missing []string
	for i := range secrets.Items {
		s := &secrets.Items[i]
		if serverOf(s) != server.Key() {
			continue
		}
		left := readRecord(s)
		if _, there := server.Inventory().Client(left.Owner); left.State.Orphaned && !there {
			missing = append(missing, left.Owner.String())
		}
	}
	return missing, nil
}
