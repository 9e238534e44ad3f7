package oauthclient

import (
	"context"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/access"
	"clientele.dev/clientele/controllers/internal/outcome"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// The indexes of the cache.
const (
	// indexOwner, on Secrets, is the OAuthClient that the annotation names.
	indexOwner = "clientele.owner"
	// indexServer, on OAuthClients of this operator, is their AuthorizationServer.
	indexServer = "clientele.server"
	// indexClientID, on OAuthClients of this operator, is their AuthorizationServer and client id.
	indexClientID = "clientele.client-id"
	// indexOrphan, on registration Secrets of orphans, is the same.
	indexOrphan = "clientele.orphan"
	// indexUse, on registration Secrets, is the server and the namespace whose quota
	// they count against.
	indexUse = "clientele.use"
)

type (
	queue   = workqueue.TypedRateLimitingInterface[reconcile.Request]
	request = reconcile.Request
)

// AddIndexes adds the indexes that the reconciler reads by to a cache.
func (r *Reconciler) AddIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	err := indexer.IndexField(ctx, &corev1.Secret{}, indexOwner, func(o client.Object) []string {
		if owner := ownerOf(o); owner.Name != "" {
			return []string{owner.String()}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = indexer.IndexField(ctx, &corev1.Secret{}, indexUse, func(o client.Object) []string {
		if o.GetLabels()[v1alpha1.LabelSecretKind] == v1alpha1.SecretKindRegistration {
			return []string{useKey(serverOf(o), ownerOf(o).Namespace)}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = indexer.IndexField(ctx, &corev1.Secret{}, indexOrphan, func(o client.Object) []string {
		if o.GetLabels()[v1alpha1.LabelSecretKind] != v1alpha1.SecretKindRegistration {
			return nil
		}
		if left := readRecord(o.(*corev1.Secret)); left.State.Orphaned {
			return []string{orphanKey(serverOf(o), left.ClientID)}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = indexer.IndexField(ctx, &v1alpha1.OAuthClient{}, indexServer, func(o client.Object) []string {
		if server, mine := r.serverKey(o.(*v1alpha1.OAuthClient)); mine {
			return []string{server.String()}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return indexer.IndexField(ctx, &v1alpha1.OAuthClient{}, indexClientID, func(o client.Object) []string {
		oac := o.(*v1alpha1.OAuthClient)
		if server, mine := r.serverKey(oac); mine {
			return []string{clientIDKey(server, oac)}
		}
		return nil
	})
}

// SetupWithManager has OAuthClients reconciled when something they depend on has
// changed: themselves but for their status, their Secrets, their server, the
// policies, what their namespace may have, its labels, or what the server holds.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	if err := r.AddIndexes(context.Background(), mgr.GetFieldIndexer()); err != nil {
		return err
	}
	if err := mgr.Add(r.board); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("oauthclient").
		For(&v1alpha1.OAuthClient{}, builder.WithPredicates(clientChanges())).
		Watches(&corev1.Secret{}, r.forgetDeleted(handler.EnqueueRequestsFromMapFunc(r.ofSecret)), builder.WithPredicates(secretChanges())).
		Watches(&corev1.Secret{}, r.roomMade()).
		Watches(&v1alpha1.NamespaceAccess{}, access.Changes(access.TouchesClients, r.ofAccess)).
		Watches(&v1alpha1.AuthorizationServer{}, handler.EnqueueRequestsFromMapFunc(r.ofServerObject), builder.WithPredicates(serverChanges())).
		Watches(&v1alpha1.ScopePolicy{}, handler.EnqueueRequestsFromMapFunc(r.markPolicies), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&corev1.Namespace{}, handler.EnqueueRequestsFromMapFunc(r.ofNamespace), builder.WithPredicates(predicate.LabelChangedPredicate{})).
		WatchesRawSource(r.inventorySource()).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: r.Workers,
			ReconciliationTimeout:   time.Minute,
			RateLimiter: workqueue.NewTypedItemExponentialFailureRateLimiter[request](
				outcome.BackoffMin, outcome.BackoffMax),
		}).
		Complete(r)
}
