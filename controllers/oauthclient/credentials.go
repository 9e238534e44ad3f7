package oauthclient

import (
	"bytes"
	"maps"
	"slices"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/credential"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fill sets everything of the Secret that is the operator's business.
func (p *pass) fill(s *corev1.Secret) {
	template := p.client.Spec.Credentials.Template
	if template == nil {
		template = &v1alpha1.CredentialsTemplate{}
	}
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	maps.Copy(s.Labels, template.Labels)
	s.Labels[v1alpha1.LabelSecretKind] = v1alpha1.SecretKindCredentials
	if s.Annotations == nil {
		s.Annotations = map[string]string{}
	}
	maps.Copy(s.Annotations, template.Annotations)
	s.Annotations[v1alpha1.AnnotationOwner] = keyOf(p.client).String()
	s.Annotations[v1alpha1.AnnotationOwnerUID] = string(p.client.UID)
	s.OwnerReferences = ownerReferences(s.OwnerReferences, p.client)
	keys := credentialKeys(template.Keys)
	s.Data = map[string][]byte{
		keys.ClientID:      []byte(p.record.ClientID),
		keys.ClientSecret:  []byte(p.record.Current.Reveal()),
		keys.Issuer:        []byte(p.as.Spec.Issuer),
		keys.TokenEndpoint: []byte(p.endpoints.Token),
	}
}

// ownerReferences makes the OAuthClient the one owner of its kind, so that the
// Secret is collected with it; under deletion policy Orphan it is not.
func ownerReferences(have []metav1.OwnerReference, oac *v1alpha1.OAuthClient) []metav1.OwnerReference {
	kept := slices.DeleteFunc(slices.Clone(have), func(o metav1.OwnerReference) bool {
		return o.Kind == "OAuthClient" && o.APIVersion == v1alpha1.GroupVersion.String()
	})
	if oac.Spec.DeletionPolicy == v1alpha1.DeletionPolicyOrphan {
		return kept
	}
	return append(kept, metav1.OwnerReference{
		APIVersion: v1alpha1.GroupVersion.String(),
		Kind:       "OAuthClient",
		Name:       oac.Name,
		UID:        oac.UID,
		Controller: new(true),
	})
}

func credentialKeys(renamed *v1alpha1.CredentialsKeys) v1alpha1.CredentialsKeys {
	keys := v1alpha1.CredentialsKeys{
		ClientID:      v1alpha1.CredentialsKeyClientID,
		ClientSecret:  v1alpha1.CredentialsKeyClientSecret,
		Issuer:        v1alpha1.CredentialsKeyIssuer,
		TokenEndpoint: v1alpha1.CredentialsKeyTokenEndpoint,
	}
	if renamed == nil {
		return keys
	}
	for _, k := range []struct {
		to   *string
		name string
	}{
		{&keys.ClientID, renamed.ClientID},
		{&keys.ClientSecret, renamed.ClientSecret},
		{&keys.Issuer, renamed.Issuer},
		{&keys.TokenEndpoint, renamed.TokenEndpoint},
	} {
		if k.name != "" {
			*k.to = k.name
		}
	}
	return keys
}

func sameCredentials(a, b *corev1.Secret) bool {
	return maps.Equal(a.Labels, b.Labels) && maps.Equal(a.Annotations, b.Annotations) &&
		maps.EqualFunc(a.Data, b.Data, bytes.Equal) && sameOwners(a.OwnerReferences, b.OwnerReferences)
}

func sameOwners(a, b []metav1.OwnerReference) bool {
	return slices.EqualFunc(a, b, func(x, y metav1.OwnerReference) bool {
		return x.UID == y.UID && x.Name == y.Name && x.Kind == y.Kind &&
			(x.Controller != nil && *x.Controller) == (y.Controller != nil && *y.Controller)
	})
}

func secretName(oac *v1alpha1.OAuthClient) string {
	if oac.Spec.Credentials.SecretName != "" {
		return oac.Spec.Credentials.SecretName
	}
	return oac.Name + "-oauth"
}

func hashOf(s credential.Secret) string { return credential.Hash(s.Reveal()) }
