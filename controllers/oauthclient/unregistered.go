package oauthclient

import (
	"context"
	"slices"
	"sync"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Unregistered lists, as namespace/name, the OAuthClients and orphans whose client the
// server should hold and does not. An OAuthClient that cannot be registered until
// something is changed is not listed.
func (r *Reconciler) Unregistered(ctx context.Context, server *registrar.Server) ([]string, error) {
	var missing []string
	var clients v1alpha1.OAuthClientList
	if err := r.Client.List(ctx, &clients, client.MatchingFields{indexServer: server.Key().String()}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, err
	}
	for i := range clients.Items {
		oac := &clients.Items[i]
		entry, there := server.Inventory().Client(keyOf(oac))
		if there && entry.Owner.UID == string(oac.UID) && entry.Digest != tampered || oac.DeletionTimestamp != nil || r.unregistrable.has(oac) {
			continue
		}
		missing = append(missing, keyOf(oac).String())
	}
	orphans, err := r.unregisteredOrphans(ctx, server)
	missing = append(missing, orphans...)
	slices.Sort(missing)
	return missing, err
}

// unregistrable remembers the OAuthClients whose last pass ended at something that only a
// change ends, while the server does not hold them. The status alone cannot say that: an
// OAuthClient may be Stalled while its client lives, and a status may be older than this
// operator. So an operator waits for a pass over every OAuthClient before it calls a
// store complete.
type unregistrable struct {
	mu    sync.Mutex
	specs map[types.NamespacedName]specVersion
}

// specVersion is a spec of one incarnation of an object.
type specVersion struct {
	uid        types.UID
	generation int64
}

func newUnregistrable() *unregistrable {
	return &unregistrable{specs: map[types.NamespacedName]specVersion{}}
}

// see notes how a pass over an OAuthClient ended.
func (u *unregistrable) see(p *pass) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if p.server != nil && !p.held && p.problem != nil && p.problem.stalled {
		u.specs[keyOf(p.client)] = specVersion{p.client.UID, p.client.Generation}
	} else {
		delete(u.specs, keyOf(p.client))
	}
}

// forget drops an OAuthClient that is gone.
func (u *unregistrable) forget(key types.NamespacedName) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.specs, key)
}

// has says that the OAuthClient, as it is, cannot be registered.
func (u *unregistrable) has(oac *v1alpha1.OAuthClient) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	spec, ok := u.specs[keyOf(oac)]
	return ok && spec == specVersion{oac.UID, oac.Generation}
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
