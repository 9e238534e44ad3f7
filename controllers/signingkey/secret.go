package signingkey

import (
	"context"
	"errors"
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/keys"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// secretType marks the Secret for people.
const secretType corev1.SecretType = "oauth.clientele.dev/signing-keys"

// errDamaged: the Secret cannot be read as a key set and must not be written.
var errDamaged = errors.New("the signing-keys Secret is damaged")

// kept is what the Secret holds. No Secret: nil and an empty set.
type kept struct {
	secret *corev1.Secret
	set    keys.Set
}

func secretName(as *v1alpha1.AuthorizationServer) types.NamespacedName {
	return types.NamespacedName{Namespace: as.Namespace, Name: v1alpha1.SigningKeysSecretName(as.Name)}
}

func (r *Reconciler) load(ctx context.Context, as *v1alpha1.AuthorizationServer) (kept, error) {
	secret := &corev1.Secret{}
	err := r.Client.Get(ctx, secretName(as), secret)
	if apierrors.IsNotFound(err) {
		// Keys that the status remembers are dead: with the Secret went what they
		// could have been told apart by.
		return kept{set: keys.Set{Dead: remembered(as)}}, nil
	}
	if err != nil {
		return kept{}, fmt.Errorf("read Secret %s: %w", secretName(as), err)
	}
	set, err := keys.Parse(secret.Data[v1alpha1.SigningKeysKey])
	if err != nil {
		return kept{}, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return kept{secret: secret, set: set}, nil
}

func remembered(as *v1alpha1.AuthorizationServer) []string {
	var kids []string
	for _, k := range as.Status.SigningKeys {
		kids = append(kids, k.KID)
	}
	return kids
}

// save writes the set by Create, or by Update of the version that was read. A
// request for a rotation that this fulfils is noted in the same write.
func (r *Reconciler) save(ctx context.Context, as *v1alpha1.AuthorizationServer, old *corev1.Secret, set keys.Set, handled string) error {
	data, err := set.Marshal()
	if err != nil {
		return fmt.Errorf("write Secret %s: %w", secretName(as), err)
	}
	if old == nil {
		return r.create(ctx, as, data, handled)
	}
	secret := old.DeepCopy()
	fill(secret, data, handled)
	if err := r.Client.Update(ctx, secret); err != nil {
		return fmt.Errorf("update Secret %s: %w", secretName(as), err)
	}
	return nil
}

func (r *Reconciler) create(ctx context.Context, as *v1alpha1.AuthorizationServer, data []byte, handled string) error {
	name := secretName(as)
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: name.Namespace,
			Name:      name.Name,
			Labels:    map[string]string{v1alpha1.LabelSecretKind: v1alpha1.SecretKindSigningKeys},
		},
		Type: secretType,
	}
	fill(secret, data, handled)
	err := r.Client.Create(ctx, secret)
	if apierrors.IsAlreadyExists(err) {
		return r.explainExisting(ctx, name, err)
	}
	if err != nil {
		return fmt.Errorf("create Secret %s: %w", name, err)
	}
	return nil
}

// explainExisting tells a Secret that the cache has not seen yet from one that
// it never will, for it is not labelled as ours.
func (r *Reconciler) explainExisting(ctx context.Context, name types.NamespacedName, exists error) error {
	secret := &corev1.Secret{}
	if err := r.Live.Get(ctx, name, secret); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read Secret %s: %w", name, err)
	}
	if secret.UID != "" && secret.Labels[v1alpha1.LabelSecretKind] != v1alpha1.SecretKindSigningKeys {
		return fmt.Errorf("%w: Secret %s lacks the label %s=%s", errDamaged, name, v1alpha1.LabelSecretKind, v1alpha1.SecretKindSigningKeys)
	}
	return exists
}

func fill(secret *corev1.Secret, data []byte, handled string) {
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	secret.Data[v1alpha1.SigningKeysKey] = data
	if handled == "" {
		return
	}
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	secret.Annotations[v1alpha1.AnnotationRotateSigningKeys] = handled
}
