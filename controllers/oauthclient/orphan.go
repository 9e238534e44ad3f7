package oauthclient

import (
	"context"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/outcome"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/apimachinery/pkg/types"
)

// leaveOrphan marks the client of an OAuthClient that is gone as one that may be
// adopted, here and at the server, and brings it back should the server lose it.
func (r *Reconciler) leaveOrphan(ctx context.Context, server *registrar.Server, key types.NamespacedName, left *record) outcome.Outcome {
	if !server.Inventory().Synced() {
		return outcome.Wait(safetyNet)
	}
	if !left.State.Orphaned {
		gone, err := r.isGone(ctx, key)
		if err != nil {
			return outcome.Retry()
		}
		if !gone {
			return outcome.RetryAfter(shortRequeue)
		}
	}
	if problem := r.orphan(ctx, server, left.clone()); problem != nil {
		return problem.outcome
	}
	return outcome.Done()
}

// orphan makes the server hold the record's client as orphaned. What it held is
// written to the registration Secret first, for its OAuthClient, which said what
// it should be, is gone.
func (r *Reconciler) orphan(ctx context.Context, server *registrar.Server, left *record) *problem {
	if !left.State.Orphaned {
		have, found, err := server.Read(ctx, left.ClientID)
		if err != nil {
			return fromServer(err)
		}
		if !found || have.Managed == nil || have.Managed.Owner.UID != left.OwnerUID {
			// Never registered, or replaced: there is nothing to leave behind.
			return nil
		}
		kept := have.Registration
		left.State.Orphaned, left.State.Registration = true, &kept
		if problem := r.writeTomb(ctx, left); problem != nil {
			return problem
		}
	}
	want := orphaned(left)
	if want == nil {
		return nil
	}
	entry, there := server.Inventory().Client(left.Owner)
	if there && entry.Digest == want.Digest() {
		return nil
	}
	if _, err := server.Register(ctx, *want); err != nil {
		return fromServer(err)
	}
	return nil
}

// orphaned is the registration of an orphan; nil if it is not known.
func orphaned(left *record) *oauth.Registration {
	if left.State.Registration == nil || left.State.Registration.Managed == nil {
		return nil
	}
	want := *left.State.Registration
	managed := *want.Managed
	managed.Orphaned, managed.Adopt = true, ""
	managed.Owner = oauth.Owner{Namespace: left.Owner.Namespace, Name: left.Owner.Name, UID: left.OwnerUID}
	managed.Counter = left.State.Counter
	managed.SecretHashes, managed.RegistrationTokenHash = left.hashes(), hashOf(left.Token)
	want.Managed = &managed
	return &want
}

// writeTomb updates the registration Secret of an OAuthClient that is gone.
func (r *Reconciler) writeTomb(ctx context.Context, left *record) *problem {
	s, err := left.toSecret(serverOf(left.secret))
	if err != nil {
		return fromKubernetes(err, "write the registration Secret")
	}
	if err := r.Client.Update(ctx, s); err != nil {
		return fromKubernetes(err, "update the registration Secret")
	}
	left.secret = s
	return nil
}
