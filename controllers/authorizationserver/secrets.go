package authorizationserver

import (
	"context"
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/keys"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const serverKeysType corev1.SecretType = "oauth.clientele.dev/server-keys"

// signingKeys is what the Secret with the signing keys holds.
type signingKeys struct {
	set     keys.Set
	present bool
	// problem says what is wrong with the Secret, in a person's words.
	problem string
	// foreign: the Secret is not labelled as ours.
	foreign bool
	// handled is the last value of the annotation that asks for a rotation.
	handled string
}

// serverKeys tells of the server-keys Secret; it never holds them.
type serverKeys struct {
	problem string
	foreign bool
}

func (r *Reconciler) readSigningKeys(ctx context.Context, as *v1alpha1.AuthorizationServer) (signingKeys, error) {
	secret, foreign, err := r.read(ctx, as.Namespace, v1alpha1.SigningKeysSecretName(as.Name), v1alpha1.SecretKindSigningKeys)
	if err != nil || foreign {
		return signingKeys{foreign: foreign, problem: foreignProblem(v1alpha1.SigningKeysSecretName(as.Name), v1alpha1.SecretKindSigningKeys)}, err
	}
	if secret == nil {
		return signingKeys{}, nil
	}
	k := signingKeys{present: true, handled: secret.Annotations[v1alpha1.AnnotationRotateSigningKeys]}
	k.set, err = keys.Parse(secret.Data[v1alpha1.SigningKeysKey])
	if err != nil {
		k.problem = fmt.Sprintf("Secret %s is damaged (%v): restore it from a backup", secret.Name, err)
	}
	return k, nil
}

// ensureServerKeys makes the server-keys Secret where there is none. It never
// changes one: every hash in the server's store was made with these keys.
func (r *Reconciler) ensureServerKeys(ctx context.Context, as *v1alpha1.AuthorizationServer) (serverKeys, error) {
	name := v1alpha1.ServerKeysSecretName(as.Name)
	secret, foreign, err := r.read(ctx, as.Namespace, name, v1alpha1.SecretKindServerKeys)
	if err != nil || foreign {
		return serverKeys{foreign: foreign, problem: foreignProblem(name, v1alpha1.SecretKindServerKeys)}, err
	}
	if secret == nil {
		return serverKeys{}, r.createServerKeys(ctx, as)
	}
	if _, err := credential.ParseServerKeys(secret.Data[v1alpha1.ServerKeysKey]); err != nil {
		return serverKeys{problem: fmt.Sprintf("Secret %s is damaged (%v): restore it from a backup", name, err)}, nil
	}
	return serverKeys{}, nil
}

func (r *Reconciler) createServerKeys(ctx context.Context, as *v1alpha1.AuthorizationServer) error {
	fresh, err := credential.NewServerKeys(r.Now())
	if err != nil {
		return err
	}
	data, err := fresh.Marshal()
	if err != nil {
		return err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: as.Namespace,
			Name:      v1alpha1.ServerKeysSecretName(as.Name),
			Labels:    map[string]string{v1alpha1.LabelSecretKind: v1alpha1.SecretKindServerKeys},
		},
		Type: serverKeysType,
		Data: map[string][]byte{v1alpha1.ServerKeysKey: data},
	}
	if err := r.Client.Create(ctx, secret); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create Secret %s/%s: %w", as.Namespace, secret.Name, err)
	}
	return nil
}

// read reads one of the two Secrets; nil if there is none. foreign: there is one
// without our label. That is in no cache, so what the cache lacks is looked up
// live.
func (r *Reconciler) read(ctx context.Context, namespace, name, kind string) (_ *corev1.Secret, foreign bool, _ error) {
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: namespace, Name: name}
	err := r.Client.Get(ctx, key, secret)
	if apierrors.IsNotFound(err) {
		err = r.Live.Get(ctx, key, secret)
	}
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read Secret %s: %w", key, err)
	}
	if secret.Labels[v1alpha1.LabelSecretKind] != kind {
		return nil, true, nil
	}
	return secret, false, nil
}

func foreignProblem(name, kind string) string {
	return fmt.Sprintf("Secret %s has no label %s=%s, so it is not the operator's: add the label if it is a copy of the operator's own; otherwise keep it under another name", name, v1alpha1.LabelSecretKind, kind)
}
