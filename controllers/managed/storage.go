package managed

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// storageSecrets looks whether the Secrets of a PostgreSQL database are there. What they
// hold is the server's business: it says so in its storage report.
func (p *pass) storageSecrets(ctx context.Context) error {
	postgres := p.as.Spec.Managed.Storage.Postgres
	if p.render.embedded() || postgres == nil {
		return nil
	}
	refs := []v1alpha1.SecretKeyReference{{Name: postgres.DSNSecretRef.Name, Key: cmp.Or(postgres.DSNSecretRef.Key, v1alpha1.PostgresDSNKey)}}
	if ca := postgres.CASecretRef; ca != nil {
		refs = append(refs, v1alpha1.SecretKeyReference{Name: ca.Name, Key: cmp.Or(ca.Key, v1alpha1.CABundleKey)})
	}
	p.lookAgain(secretRight)
	for _, ref := range refs {
		problem, err := p.lacks(ctx, ref)
		if err != nil {
			return err
		}
		if problem != nil {
			p.state.StorageProblem = problem
			p.lookAgain(secretWrong)
			return nil
		}
	}
	return nil
}

// lacks says what is missing of a key of a Secret.
func (p *pass) lacks(ctx context.Context, ref v1alpha1.SecretKeyReference) (*Problem, error) {
	name := client.ObjectKey{Namespace: p.as.Namespace, Name: ref.Name}
	secret := &corev1.Secret{}
	switch err := p.Live.Get(ctx, name, secret); {
	case apierrors.IsNotFound(err):
		return &Problem{v1alpha1.ReasonSecretMissing, fmt.Sprintf("Secret %s does not exist: make it with its key %s, which holds %s", name, ref.Key, p.holds(ref))}, nil
	case err != nil:
		return nil, fmt.Errorf("read Secret %s: %w", name, err)
	case len(secret.Data[ref.Key]) == 0:
		return &Problem{v1alpha1.ReasonSecretMissing, fmt.Sprintf("Secret %s has no key %s, which holds %s: add it, or name another key in spec.managed.storage.postgres", name, ref.Key, p.holds(ref))}, nil
	}
	return nil, nil
}

func (p *pass) holds(ref v1alpha1.SecretKeyReference) string {
	if ca := p.as.Spec.Managed.Storage.Postgres.CASecretRef; ca != nil && ca.Name == ref.Name && cmp.Or(ca.Key, v1alpha1.CABundleKey) == ref.Key {
		return "the PEM certificates that the database's certificate must chain to"
	}
	return "the connection string of the database"
}

// dataClaim makes the volume claim, or lets it grow. That may be refused: the server then
// goes on with the volume that it has, for the schema does not let the size shrink again.
func (p *pass) dataClaim(ctx context.Context) error {
	if p.render.claim() == nil {
		return nil
	}
	claim := p.render.dataClaim()
	have, err := p.existing(ctx, claim)
	if err != nil {
		return err
	}
	_, err = p.ensure(ctx, claim)
	var refused *blocked
	if have != nil && errors.As(err, &refused) {
		p.state.ClaimProblem = &refused.problem
		p.lookAgain(problemRetry)
		return nil
	}
	return err
}
