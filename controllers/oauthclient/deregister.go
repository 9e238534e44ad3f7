package oauthclient

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/outcome"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// deregister sees to what is left of an OAuthClient that is gone: the
// registration Secrets that name it, and clients that a server holds of it
// though no Secret is left. It has no object to tell its troubles in a
// condition of; what it waits for brings it back.
func (r *Reconciler) deregister(ctx context.Context, key types.NamespacedName) outcome.Outcome {
	var secrets corev1.SecretList
	err := r.Client.List(ctx, &secrets, client.MatchingFields{indexOwner: key.String()},
		client.UnsafeDisableDeepCopy)
	if err != nil {
		return outcome.Fail(err)
	}
	var left []*record
	for i := range secrets.Items {
		if s := &secrets.Items[i]; s.Labels[v1alpha1.LabelSecretKind] == v1alpha1.SecretKindRegistration {
			left = append(left, readRecord(s))
		}
	}
	r.seeTombs(key, left)
	result := outcome.Done()
	for _, one := range left {
		result = sooner(result, r.settle(ctx, key, one))
	}
	if len(left) > 0 {
		return result
	}
	for _, server := range r.Servers.All() {
		result = sooner(result, r.settleLeaked(ctx, server, key))
	}
	return result
}

// sooner keeps an outcome that is not Done; of two, the later said.
func sooner(a, b outcome.Outcome) outcome.Outcome {
	if b.IsDone() {
		return a
	}
	return b
}

// settle does with a registration what its deletion policy says.
func (r *Reconciler) settle(ctx context.Context, key types.NamespacedName, left *record) outcome.Outcome {
	_, server, problem := r.lookupServer(ctx, serverOf(left.secret))
	if problem != nil {
		// The tombstone stays until its server is back to be told.
		return r.stranded(ctx, key, left, problem)
	}
	if left.State.DeletionPolicy == v1alpha1.DeletionPolicyOrphan {
		return r.leaveOrphan(ctx, server, key, left)
	}
	if ok, o := r.mayDeregister(ctx, server, key, left.OwnerUID); !ok {
		return o
	}
	owner := oauth.Owner{Namespace: key.Namespace, Name: key.Name, UID: left.OwnerUID}
	err := r.deregisterAt(ctx, server, idAt(server, left), owner, left.State.Counter)
	if err != nil && registrar.CodeOf(err) != oauth.CodeOwnerMismatch {
		return r.later(ctx, key, err)
	}
	// On owner_mismatch nothing of this incarnation is left; another one's is
	// the business of its own Secret, or shows in the inventory.
	if err := r.crash(PointDeregistered); err != nil {
		return outcome.Fail(err)
	}
	if o := r.removeUnowned(ctx, key, left); !o.IsDone() {
		return o
	}
	if problem := r.deleteSecret(ctx, left.secret); problem != nil {
		return outcome.Retry()
	}
	server.Brake().Release(key)
	return outcome.Done()
}

// idAt is the client id that the server has for a record, or else the record's.
func idAt(server *registrar.Server, left *record) string {
	if entry, ok := server.Inventory().Client(left.Owner); ok && entry.Owner.UID == left.OwnerUID {
		return entry.ClientID
	}
	return left.ClientID
}

// deregisterAt deletes at the server; where its counter is ahead, by that one: the
// owner's uid alone says whose client it is.
func (r *Reconciler) deregisterAt(ctx context.Context, server *registrar.Server, clientID string, owner oauth.Owner, counter int64) error {
	if clientID == "" {
		return nil // it was never registered
	}
	err := server.Deregister(ctx, clientID, owner, counter)
	var status *registrar.StatusError
	if isStale(err) && errors.As(err, &status) && status.Counter > counter {
		err = server.Deregister(ctx, clientID, owner, status.Counter)
	}
	r.counters.deregistered(err)
	return err
}

// mayDeregister lets a deregistration pass that the brake permits and a live read
// confirms.
func (r *Reconciler) mayDeregister(ctx context.Context, server *registrar.Server, key types.NamespacedName, uid string) (bool, outcome.Outcome) {
	var as v1alpha1.AuthorizationServer
	if err := r.Client.Get(ctx, server.Key(), &as, client.UnsafeDisableDeepCopy); err != nil {
		return false, outcome.Retry()
	}
	ok, again := server.Brake().Allow(key, uid, server.State().Clients, as.Annotations[v1alpha1.AnnotationConfirmDeregistration])
	if !ok {
		return false, outcome.RetryAfter(again)
	}
	gone, err := r.isGone(ctx, key)
	if err != nil {
		log.FromContext(ctx).Info("not deregistering: cannot tell whether the OAuthClient is gone", "reason", err.Error())
		return false, outcome.Retry()
	}
	if !gone {
		server.Brake().Release(key)
		return false, outcome.RetryAfter(shortRequeue)
	}
	return true, outcome.Done()
}

// isGone asks the API server; what is being deleted cannot come back. An answer counts only if the kind is still served:
// without its CRD, every OAuthClient seems to be gone.
func (r *Reconciler) isGone(ctx context.Context, key types.NamespacedName) (bool, error) {
	var oac v1alpha1.OAuthClient
	err := r.Live.Get(ctx, key, &oac)
	if err == nil {
		return oac.DeletionTimestamp != nil, nil
	}
	if apierrors.IsForbidden(err) {
		// With a namespace go the rights in it.
		return r.namespaceGone(ctx, key.Namespace)
	}
	if !apierrors.IsNotFound(err) {
		return false, err
	}
	if err := r.Live.List(ctx, &v1alpha1.OAuthClientList{}, client.InNamespace(key.Namespace), client.Limit(1)); err != nil {
		return false, fmt.Errorf("list OAuthClients: %w", err)
	}
	return true, nil
}

// removeUnowned deletes credentials Secrets that nothing would collect, for their
// owner reference was taken off.
func (r *Reconciler) removeUnowned(ctx context.Context, key types.NamespacedName, left *record) outcome.Outcome {
	var secrets corev1.SecretList
	err := r.Client.List(ctx, &secrets, client.MatchingFields{indexOwner: key.String()},
		client.UnsafeDisableDeepCopy)
	if err != nil {
		return outcome.Fail(err)
	}
	for i := range secrets.Items {
		s := &secrets.Items[i]
		if s.Labels[v1alpha1.LabelSecretKind] != v1alpha1.SecretKindCredentials || s.Annotations[v1alpha1.AnnotationOwnerUID] != left.OwnerUID {
			continue
		}
		if len(s.OwnerReferences) == 0 && s.DeletionTimestamp == nil {
			if problem := r.deleteSecret(ctx, s); problem != nil {
				return problem.outcome
			}
		}
	}
	return outcome.Done()
}

// settleLeaked deregisters a client whose owner is gone and whose registration
// Secret is too, unless it is an orphan.
func (r *Reconciler) settleLeaked(ctx context.Context, server *registrar.Server, key types.NamespacedName) outcome.Outcome {
	entry, ok := server.Inventory().Client(key)
	if !ok {
		return outcome.Done()
	}
	if ok, o := r.mayDeregister(ctx, server, key, entry.Owner.UID); !ok {
		return o
	}
	have, found, err := server.Read(ctx, entry.ClientID)
	if err != nil {
		return r.later(ctx, key, err)
	}
	server.Brake().Release(key)
	if !found || have.Managed == nil || have.Managed.Orphaned {
		return outcome.Done()
	}
	// The owner whose absence was confirmed, never the one that was read just now: the
	// server refuses if the client id has another owner or incarnation by now.
	err = r.deregisterAt(ctx, server, entry.ClientID, entry.Owner, have.Managed.Counter)
	if registrar.CodeOf(err) == oauth.CodeOwnerMismatch {
		err = server.Sync(ctx) // the inventory is stale; owners hear of what differs
	}
	if err != nil {
		return r.later(ctx, key, err)
	}
	return outcome.Done()
}

// later says when to come back after the server failed. There is no object to
// say so in, and one log line per client would drown the log.
func (r *Reconciler) later(ctx context.Context, key types.NamespacedName, err error) outcome.Outcome {
	log.FromContext(ctx).V(1).Info("the client is not deregistered yet", "oauthclient", key.String(), "reason", err.Error())
	o := fromServer(err).outcome
	if o.IsDone() {
		return outcome.RetryAfter(time.Second)
	}
	return o
}
