package check

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
)

// checkToken gets a token with the Secret of the OAuthClient that a flag names, and
// verifies it.
func (k *checker) checkToken(ctx context.Context) {
	if k.oauthClient.Name == "" {
		return
	}
	what := "token for OAuthClient " + k.oauthClient.String()
	describe := fmt.Sprintf("kubectl -n %s describe oauthclient %s", k.oauthClient.Namespace, k.oauthClient.Name)
	oac := &v1alpha1.OAuthClient{}
	err := k.c.Get(ctx, k.oauthClient, oac)
	switch {
	case apierrors.IsNotFound(err):
		k.fail(checkToken, what, "there is no such OAuthClient", fmt.Sprintf("kubectl -n %s get oauthclients", k.oauthClient.Namespace))
		return
	case err != nil:
		k.unread(checkToken, what, err)
		return
	}
	if ready := meta.FindStatusCondition(oac.Status.Conditions, v1alpha1.ConditionReady); ready == nil || ready.Reason != v1alpha1.ReasonAccepted {
		why := "no operator has looked at it yet"
		if ready != nil {
			why = fmt.Sprintf("it is not registered: %s: %s", ready.Reason, ready.Message)
		}
		k.fail(checkToken, what, why, describe)
		return
	}
	if len(oac.Spec.GrantTypes) > 0 && !slices.Contains(oac.Spec.GrantTypes, v1alpha1.GrantClientCredentials) {
		k.warn(checkToken, what, "its grantTypes have no client_credentials: it gets tokens for people only, who must sign in", describe)
		return
	}
	s := k.serverOf(oac)
	if s == nil || s.metadata == nil {
		k.warn(checkToken, what, "its AuthorizationServer was not reached; see above", describe)
		return
	}
	by, err := k.credentialsOf(ctx, oac)
	switch {
	case apierrors.IsNotFound(err):
		k.fail(checkToken, what, message(err), describe)
		return
	case err != nil:
		k.unread(checkToken, what, err)
		return
	}
	by.tokenEndpoint = s.metadata.TokenEndpoint
	k.tryToken(ctx, s, by, what, describe)
}

func (k *checker) tryToken(ctx context.Context, s *server, by credentials, what, describe string) {
	token, err := getToken(ctx, s.client, by)
	if err != nil {
		why := err.Error()
		if refused := (*refusal)(nil); errors.As(err, &refused) && refused.Code == "invalid_client" {
			why += "; the Secret is not what the server knows"
		}
		k.fail(checkToken, what, why, describe)
		return
	}
	got, err := verify(ctx, s.client, s.metadata, token, k.now)
	if err != nil {
		k.fail(checkToken, what, "a resource server would refuse it: "+err.Error(), fmt.Sprintf("kubectl -n %s describe authorizationserver %s", s.Namespace, s.Name))
		return
	}
	k.ok(checkToken, what, got.String())
}

// serverOf is the server that a client is registered at; nil: none of those checked.
func (k *checker) serverOf(oac *v1alpha1.OAuthClient) *server {
	ref := oac.Status.ServerRef
	for _, s := range k.servers {
		if ref != nil && s.Namespace == ref.Namespace && s.Name == ref.Name {
			return s
		}
	}
	return nil
}

// credentialsOf reads a client's Secret.
func (k *checker) credentialsOf(ctx context.Context, oac *v1alpha1.OAuthClient) (credentials, error) {
	secret := &corev1.Secret{}
	if err := k.c.Get(ctx, client.ObjectKey{Namespace: oac.Namespace, Name: oac.Status.CredentialsSecret}, secret); err != nil {
		return credentials{}, err
	}
	keys := v1alpha1.CredentialsKeys{}
	if t := oac.Spec.Credentials.Template; t != nil && t.Keys != nil {
		keys = *t.Keys
	}
	return credentials{
		id:     string(secret.Data[cmp.Or(keys.ClientID, v1alpha1.CredentialsKeyClientID)]),
		secret: string(secret.Data[cmp.Or(keys.ClientSecret, v1alpha1.CredentialsKeyClientSecret)]),
	}, nil
}
