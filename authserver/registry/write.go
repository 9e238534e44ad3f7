package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registration"
	"clientele.dev/clientele/authserver/store"
)

// Register a managed client of a cluster, or bring it up to date: by owner (RFC
// 7591), or with update an existing one by its id (RFC 7592, Section 2.2). When it
// returns, the view serves what it answers. created: the owner had none before.
//
// What the request does wrong is an *oauth.Error, see registration.Decide; any
// other error is a failure of the server's.
func (r *Registry) Register(ctx context.Context, cluster string, reg oauth.Registration, update bool) (oauth.RegistrationResponse, bool, error) {
	var out registration.Outcome
	var resp oauth.RegistrationResponse
	err := r.bound(ctx, func(keys credential.ServerKeys) error {
		req := registration.Request{Registration: reg, Update: update, Now: r.now()}
		seal(keys, cluster, &req)
		revision, err := r.changeClient(ctx, req.Registration, func(existing registration.Existing) (change store.ClientChange, err error) {
			change, out, err = registration.Decide(req, existing)
			return change, err
		})
		if err != nil {
			return err
		}
		resp = r.response(out.Client, revision)
		return nil
	})
	if err != nil {
		return oauth.RegistrationResponse{}, false, err
	}
	return resp, out.Created, nil
}

// Deregister a client of owner.Cluster. An absent client is no error.
func (r *Registry) Deregister(ctx context.Context, clientID string, owner oauth.Owner, counter int64) error {
	reg := oauth.Registration{ClientID: clientID, Managed: &oauth.Managed{Owner: owner}}
	return r.bound(ctx, func(credential.ServerKeys) error {
		_, err := r.changeClient(ctx, reg, func(existing registration.Existing) (store.ClientChange, error) {
			return registration.DecideDelete(clientID, owner, counter, existing)
		})
		return err
	})
}

// MarkComplete marks the store with an id as complete (store.Completion). When it returns,
// the view says so. The error is store.ErrNotFound if the store is another one by now.
func (r *Registry) MarkComplete(ctx context.Context, storeID string) error {
	return r.bound(ctx, func(credential.ServerKeys) error {
		if err := r.store.MarkComplete(ctx, storeID); err != nil {
			return err
		}
		return r.follow(ctx, -1)
	})
}

// PutPolicy puts a policy of a cluster in force. It returns the digest of what is
// in force afterwards, and the store's revision. What the request does wrong is an
// *oauth.Error, see registration.DecidePolicy.
func (r *Registry) PutPolicy(ctx context.Context, cluster string, p policy.Policy) (digest string, revision int64, err error) {
	p.Cluster = cluster
	revision, err = r.changePolicy(ctx, p.UID, func(existing registration.ExistingPolicy) (store.PolicyChange, error) {
		return registration.DecidePolicy(p, existing)
	})
	if err != nil {
		return "", 0, err
	}
	return p.Digest(), revision, nil
}

// DeletePolicy of a cluster. An absent policy is no error.
func (r *Registry) DeletePolicy(ctx context.Context, cluster, uid string) error {
	_, err := r.changePolicy(ctx, uid, func(existing registration.ExistingPolicy) (store.PolicyChange, error) {
		return registration.DecidePolicyDelete(cluster, existing), nil
	})
	return err
}

// changeClient lets decide have its way and waits until the view shows it. A nil
// Managed has no owner: decide refuses it.
func (r *Registry) changeClient(ctx context.Context, reg oauth.Registration, decide func(registration.Existing) (store.ClientChange, error)) (int64, error) {
	var owner oauth.Owner
	if reg.Managed != nil {
		owner = reg.Managed.Owner
	}
	if !storable(owner.Cluster, owner.Namespace, owner.Name, reg.ClientID) {
		change, err := decide(registration.Existing{}) // nothing is there, and it says what is wrong
		if err == nil && change.Put != nil {
			err = fmt.Errorf("client %q: no storage keeps such a name", reg.ClientID)
		}
		return r.Revision(), err
	}
	revision, err := r.store.ChangeClient(ctx, owner, reg.ClientID, func(found store.ExistingClients) (store.ClientChange, error) {
		return decide(judged(found))
	})
	if err != nil {
		return 0, fmt.Errorf("change client %q: %w", reg.ClientID, err)
	}
	return revision, r.follow(ctx, revision)
}

func (r *Registry) changePolicy(ctx context.Context, uid string, decide func(registration.ExistingPolicy) (store.PolicyChange, error)) (revision int64, err error) {
	err = r.bound(ctx, func(credential.ServerKeys) error {
		revision, err = r.store.ChangePolicy(ctx, uid, func(found *store.Policy) (store.PolicyChange, error) {
			return decide(registration.ExistingPolicy{Policy: found, Tampered: found != nil && found.Tampered})
		})
		if err != nil {
			return fmt.Errorf("change policy %q: %w", uid, err)
		}
		return r.follow(ctx, revision)
	})
	return revision, err
}

// storable says whether there can be a record under these names. PostgreSQL keeps
// no character 0, and nothing that is not UTF-8; asked for it, it fails, and that
// must not look like an outage.
func storable(names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		return !utf8.ValidString(name) || strings.ContainsRune(name, 0)
	})
}

func judged(found store.ExistingClients) registration.Existing {
	return registration.Existing{
		ExistingClients: found,
		OwnerTampered:   found.ByOwner != nil && found.ByOwner.Tampered,
		IDTampered:      found.ByID != nil && found.ByID.Tampered,
	}
}

// seal the hashes under the server keys, and write the caller's cluster over
// whatever the request says.
func seal(keys credential.ServerKeys, cluster string, req *registration.Request) {
	if req.Registration.Managed == nil {
		return
	}
	managed := *req.Registration.Managed
	managed.Owner.Cluster = cluster
	req.Registration.Managed = &managed
	for _, hash := range managed.SecretHashes {
		req.Secrets = append(req.Secrets, keys.Seal(hash))
	}
	if managed.RegistrationTokenHash != "" {
		req.RegistrationToken = keys.Seal(managed.RegistrationTokenHash)
	}
}

// response tells what is stored, without anything that was made of a secret.
func (r *Registry) response(c store.Client, revision int64) oauth.RegistrationResponse {
	reg := c.Registration
	if reg.Managed != nil {
		managed := *reg.Managed
		managed.SecretHashes = []string{} // never null
		reg.Managed = &managed
	}
	return oauth.RegistrationResponse{
		Registration:     reg,
		ClientIDIssuedAt: c.Created.Unix(),
		Digest:           c.Digest,
		StoreID:          r.StoreID(),
		Revision:         revision,
	}
}
