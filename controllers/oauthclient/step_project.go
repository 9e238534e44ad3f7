package oauthclient

import (
	"bytes"
	"context"
	"maps"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// project makes the credentials Secret hold what the record says, and removes
// one of an earlier name.
func (r *Reconciler) project(ctx context.Context, p *pass) *problem {
	if p.denied != nil && p.client.Status.CredentialsSecret == "" {
		return nil // nothing was handed out, and nothing is now
	}
	key := types.NamespacedName{Namespace: p.client.Namespace, Name: secretName(p.client)}
	var have corev1.Secret
	err := r.Client.Get(ctx, key, &have, client.UnsafeDisableDeepCopy)
	var problem *problem
	switch {
	case apierrors.IsNotFound(err):
		problem = r.createCredentials(ctx, p, key)
	case err != nil:
		problem = fromKubernetes(err, "read the credentials Secret")
	default:
		problem = r.updateCredentials(ctx, p, &have, &have.ObjectMeta)
	}
	if problem != nil {
		return problem
	}
	p.projected = true
	return r.removeRenamed(ctx, p, key.Name)
}

// keepProjected repairs a credentials Secret that was handed out before, though
// the server cannot be asked: whoever mounts it must not suffer for that.
func (r *Reconciler) keepProjected(ctx context.Context, p *pass, cause *problem) *problem {
	if cause.crashed != nil || cause.outdated || p.record == nil || p.client.Status.CredentialsSecret == "" || p.endpoints.Token == "" {
		return cause
	}
	if problem := r.project(ctx, p); problem != nil && problem.crashed != nil {
		return problem
	}
	return cause
}

func (r *Reconciler) createCredentials(ctx context.Context, p *pass, key types.NamespacedName) *problem {
	s := &corev1.Secret{Type: corev1.SecretTypeOpaque}
	s.Namespace, s.Name = key.Namespace, key.Name
	p.fill(s)
	err := r.Client.Create(ctx, s)
	if apierrors.IsAlreadyExists(err) {
		return r.reclaimCredentials(ctx, p, key)
	}
	if err != nil {
		return fromKubernetes(err, "create Secret "+key.String())
	}
	if p.client.Status.CredentialsSecret == key.Name {
		r.repaired(p, key.Name, causeDeleted)
	}
	return r.credentialsWritten()
}

// updateCredentials brings a Secret that is there in order. meta is its
// metadata; where only that could be read, have is nil and it is written anyway.
func (r *Reconciler) updateCredentials(ctx context.Context, p *pass, have *corev1.Secret, meta *metav1.ObjectMeta) *problem {
	if problem := foreign(meta, p.client); problem != nil {
		return problem
	}
	s := &corev1.Secret{ObjectMeta: *meta.DeepCopy()}
	if have != nil {
		s.Type = have.Type
	}
	p.fill(s)
	if have != nil && sameCredentials(have, s) {
		return nil
	}
	err := r.Client.Update(ctx, s)
	if apierrors.IsInvalid(err) {
		return stalled(v1alpha1.ReasonSecretConflict,
			"Secret %s/%s cannot be written (%s): name another one in spec.credentials.secretName; it gets the same credentials", s.Namespace, s.Name, apiMessage(err))
	}
	if err != nil {
		return fromKubernetes(err, "update Secret "+s.Namespace+"/"+s.Name)
	}
	if p.edited(have, s) {
		r.repaired(p, s.Name, causeEdited)
	}
	return r.credentialsWritten()
}

func (r *Reconciler) repaired(p *pass, name, cause string) {
	r.counters.repairs.WithLabelValues(cause).Inc()
	p.didRepair(name, cause)
}

// edited says whether somebody else changed what a credentials Secret tells its
// readers. have is nil if only its label was taken off, as far as is known.
func (p *pass) edited(have, want *corev1.Secret) bool {
	if !p.settled() || p.client.Status.CredentialsSecret != want.Name || p.rotated || p.replaced {
		return false
	}
	if have == nil {
		return true
	}
	var template *v1alpha1.CredentialsKeys
	if t := p.client.Spec.Credentials.Template; t != nil {
		template = t.Keys
	}
	keys := credentialKeys(template)
	was := maps.Clone(have.Data)
	// The endpoint may move, and a rotation may have ended before this was written.
	if _, ok := was[keys.TokenEndpoint]; ok {
		was[keys.TokenEndpoint] = want.Data[keys.TokenEndpoint]
	}
	// The CA changes when the server's certificate is signed by another one.
	if ca, ok := want.Data[v1alpha1.CredentialsKeyCACertificate]; ok {
		was[v1alpha1.CredentialsKeyCACertificate] = ca
	} else {
		delete(was, v1alpha1.CredentialsKeyCACertificate)
	}
	if p.record.Previous != "" && string(was[keys.ClientSecret]) == p.record.Previous.Reveal() {
		was[keys.ClientSecret] = want.Data[keys.ClientSecret]
	}
	return !maps.EqualFunc(was, want.Data, bytes.Equal)
}

func (r *Reconciler) credentialsWritten() *problem {
	if err := r.crash(PointProjected); err != nil {
		return crashed(err)
	}
	return nil
}

// reclaimCredentials looks, at the metadata only, at a Secret that is in the way
// and in no cache: somebody else's, or our own that lost its label.
func (r *Reconciler) reclaimCredentials(ctx context.Context, p *pass, key types.NamespacedName) *problem {
	meta := &metav1.PartialObjectMetadata{}
	meta.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	if err := r.Live.Get(ctx, key, meta); err != nil {
		return fromKubernetes(err, "read Secret "+key.String())
	}
	if meta.Labels[v1alpha1.LabelSecretKind] == v1alpha1.SecretKindCredentials && ownerOf(meta) == keyOf(p.client) {
		return behind("Secret " + key.String())
	}
	return r.updateCredentials(ctx, p, nil, &meta.ObjectMeta)
}

// foreign says whose a Secret is, if it is not the OAuthClient's.
func foreign(meta *metav1.ObjectMeta, oac *v1alpha1.OAuthClient) *problem {
	owner := ownerOf(meta)
	controller := metav1.GetControllerOfNoCopy(meta)
	switch {
	case owner == keyOf(oac):
		return nil
	case controller != nil && controller.UID == oac.UID:
		return nil
	case owner.Name != "":
		return liftable(stalled(v1alpha1.ReasonSecretConflict,
			"Secret %s/%s belongs to OAuthClient %s; name another one in spec.credentials.secretName", meta.Namespace, meta.Name, owner))
	}
	return liftable(stalled(v1alpha1.ReasonSecretConflict,
		"Secret %s/%s exists and does not belong to this OAuthClient; name another one in spec.credentials.secretName", meta.Namespace, meta.Name))
}

// removeRenamed deletes the credentials Secret of the name that the spec had
// before, if it is this OAuthClient's.
func (r *Reconciler) removeRenamed(ctx context.Context, p *pass, name string) *problem {
	old := p.client.Status.CredentialsSecret
	if old == "" || old == name {
		return nil
	}
	var s corev1.Secret
	err := r.Client.Get(ctx, types.NamespacedName{Namespace: p.client.Namespace, Name: old}, &s, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) || err == nil && ownerOf(&s) != keyOf(p.client) {
		return nil
	}
	if err != nil {
		return fromKubernetes(err, "read Secret "+old)
	}
	return r.deleteSecret(ctx, &s)
}

// deleteSecret deletes a Secret as it was read; one that changed since stays.
func (r *Reconciler) deleteSecret(ctx context.Context, s *corev1.Secret) *problem {
	gone := &corev1.Secret{}
	gone.Namespace, gone.Name = s.Namespace, s.Name
	exactly := client.Preconditions{UID: new(s.UID), ResourceVersion: new(s.ResourceVersion)}
	if err := r.Client.Delete(ctx, gone, exactly); client.IgnoreNotFound(err) != nil {
		return fromKubernetes(err, "delete Secret "+s.Namespace+"/"+s.Name)
	}
	return nil
}
