package oauthclient

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/credential"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// loadRecord reads the registration Secret, or makes it. Afterwards the record
// is this incarnation's and written.
func (r *Reconciler) loadRecord(ctx context.Context, p *pass) *problem {
	found, problem := r.readRecordSecret(ctx, p)
	if problem != nil {
		return problem
	}
	if found == nil {
		return r.createRecord(ctx, p)
	}
	p.recallOwner(found)
	if found.Owner != keyOf(p.client) {
		return stalled(v1alpha1.ReasonRegistrationSecretInvalid,
			"Secret %s/%s, which should hold the registration, is of %q", found.secret.Namespace, found.secret.Name, found.Owner)
	}
	found.Public = public(p.client)
	changed := found.clone()
	news := changed.heal(p.now) || found.secret.Annotations[v1alpha1.AnnotationOwnerUID] == ""
	damaged := p.settled() && changed.Current != found.Current
	if changed.OwnerUID != string(p.client.UID) {
		if problem := r.takeOver(ctx, p, changed); problem != nil {
			return problem
		}
		news = true
	}
	if id := clientID(p.client); changed.ClientID != id {
		changed.ClientID, news = id, true
	}
	if policy := p.deletionPolicy(); changed.State.DeletionPolicy != policy {
		changed.State.DeletionPolicy, news = policy, true
	}
	if want := p.client.Spec.RedirectURIs; !slices.Equal(changed.State.RedirectURIs, want) {
		release, problem := r.admitURIs(ctx, p, found)
		defer release()
		if problem == nil {
			changed.State.RedirectURIs, news = want, true
		} else if p.withheld == nil {
			p.withheld = problem
		}
	}
	if uri := registrationURI(p); changed.URI != uri && uri != "" {
		changed.URI, news = uri, true
	}
	if found.secret.Labels[v1alpha1.LabelSecretKind] != v1alpha1.SecretKindRegistration {
		news = true
	}
	if !news {
		p.record = found
		return nil
	}
	if problem := r.writeRecord(ctx, p, changed); problem != nil {
		return problem
	}
	if damaged {
		p.didReplace(p.recordKey(), causeDamaged)
	}
	return r.recorded()
}

// settled says whether credentials were handed out for the spec as it is.
func (p *pass) settled() bool {
	return p.client.Status.CredentialsSecret != "" && p.client.Status.ObservedGeneration == p.client.Generation
}

// recallOwner fills in the owner of a registration Secret that lost its
// annotations: its name, in the operator's hands, says whose it is, and the
// server knows of which incarnation.
func (p *pass) recallOwner(found *record) {
	if found.secret.Type != registrationType {
		return
	}
	if found.Owner.Name == "" {
		found.Owner = keyOf(p.client)
	}
	entry, there := p.server.Inventory().Client(found.Owner)
	if found.OwnerUID == "" && there {
		found.OwnerUID = entry.Owner.UID
	}
}

func (r *Reconciler) readRecordSecret(ctx context.Context, p *pass) (*record, *problem) {
	var s corev1.Secret
	err := r.Client.Get(ctx, p.recordKey(), &s, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fromKubernetes(err, "read the registration Secret")
	}
	return readRecord(&s), nil
}

func (p *pass) recordKey() types.NamespacedName {
	return types.NamespacedName{Namespace: p.serverKey.Namespace, Name: recordName(p.serverKey.Name, keyOf(p.client))}
}

func registrationURI(p *pass) string {
	if p.endpoints.Registration == "" {
		return ""
	}
	return p.endpoints.Registration + "/" + clientID(p.client)
}

// createRecord writes the first registration Secret of a client, before anything
// is registered. A client that is not allowed gets none.
func (r *Reconciler) createRecord(ctx context.Context, p *pass) *problem {
	if problem := cmp.Or(p.denied, p.withheld); problem != nil {
		return problem
	}
	if problem := r.awaitInventory(ctx, p); problem != nil {
		return problem
	}
	made := newRecord(p.client, p.now)
	made.URI = registrationURI(p)
	if err := p.desired(made).Validate(p.as.Spec.Registration.PrivateUseSchemes...); err != nil {
		return invalidSpec(err)
	}
	release, problem := r.admitClient(ctx, p)
	defer release()
	if problem != nil {
		return problem
	}
	s, err := made.toSecret(p.serverKey)
	if err != nil {
		return fromKubernetes(err, "write the registration Secret")
	}
	err = r.Client.Create(ctx, s)
	if apierrors.IsAlreadyExists(err) {
		return r.reclaimRecord(ctx, p)
	}
	if err != nil {
		return fromKubernetes(err, "create the registration Secret")
	}
	made.secret = s
	p.record = made
	if p.client.Status.CredentialsSecret != "" {
		p.didReplace(p.recordKey(), causeDeleted)
	}
	return r.recorded()
}

func (r *Reconciler) recorded() *problem {
	if err := r.crash(PointRecorded); err != nil {
		return crashed(err)
	}
	return nil
}

// reclaimRecord puts the label back on a registration Secret that lost it and so
// is in no cache. Only the next pass goes on with it, or with one that the cache does not
// show yet.
func (r *Reconciler) reclaimRecord(ctx context.Context, p *pass) *problem {
	var s corev1.Secret
	if err := r.Live.Get(ctx, p.recordKey(), &s); err != nil {
		return fromKubernetes(err, "read the registration Secret")
	}
	if s.Labels[v1alpha1.LabelSecretKind] == v1alpha1.SecretKindRegistration {
		return behind("the registration Secret")
	}
	found := readRecord(&s)
	found.Public = public(p.client)
	p.recallOwner(found)
	if s.Type != registrationType || found.Owner != keyOf(p.client) {
		return stalled(v1alpha1.ReasonRegistrationSecretInvalid,
			"Secret %s/%s, which should hold the registration, is not the operator's", s.Namespace, s.Name)
	}
	return r.writeRecord(ctx, p, found)
}

// writeRecord updates the registration Secret, if nobody else has since it was
// read.
func (r *Reconciler) writeRecord(ctx context.Context, p *pass, changed *record) *problem {
	s, err := changed.toSecret(p.serverKey)
	if err != nil {
		return fromKubernetes(err, "write the registration Secret")
	}
	if err := r.Client.Update(ctx, s); err != nil {
		return fromKubernetes(err, "update the registration Secret")
	}
	changed.secret = s
	p.record = changed
	return nil
}

// takeOver makes a record that an earlier OAuthClient of the same name left
// behind this one's: an orphan is adopted with its secrets, anything else gets
// new ones, and the server ends what was issued to the old ones.
func (r *Reconciler) takeOver(ctx context.Context, p *pass, left *record) *problem {
	orphan := left.State.DeletionPolicy == v1alpha1.DeletionPolicyOrphan && left.ClientID == clientID(p.client)
	if orphan && p.denied != nil {
		return p.denied
	}
	if orphan {
		if problem := r.awaitInventory(ctx, p); problem != nil {
			return problem
		}
		if problem := r.orphan(ctx, p.server, left); problem != nil {
			return problem
		}
		left.State.Adopted = left.OwnerUID
		left.State.Orphaned, left.State.Registration = false, nil
	} else {
		left.Token = credential.NewRegistrationToken()
		left.newSecret()
		left.State = state{Version: stateVersion, Counter: left.State.Counter, Issued: p.now, RedirectURIs: left.State.RedirectURIs}
		left.State.HandledRotate = p.client.Annotations[v1alpha1.AnnotationRotateSecret]
	}
	left.State.Counter++
	left.OwnerUID, left.ClientID = string(p.client.UID), clientID(p.client)
	return nil
}

func keyOf(oac *v1alpha1.OAuthClient) types.NamespacedName {
	return types.NamespacedName{Namespace: oac.Namespace, Name: oac.Name}
}

func parseKey(s string) types.NamespacedName {
	namespace, name, ok := strings.Cut(s, "/")
	if !ok {
		return types.NamespacedName{}
	}
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func invalidSpec(err error) *problem {
	return stalled(v1alpha1.ReasonInvalidSpec, "the server's rules forbid it: %s", fmt.Sprint(err))
}
