package oauthclient

import (
	"bytes"
	"maps"
	"slices"
	"strings"

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
	dropTemplate(s)
	if s.Labels == nil {
		s.Labels = map[string]string{}
	}
	for key, value := range template.Labels {
		s.Labels[key] = string(value)
	}
	s.Labels[v1alpha1.LabelSecretKind] = v1alpha1.SecretKindCredentials
	if s.Annotations == nil {
		s.Annotations = map[string]string{}
	}
	for key, value := range template.Annotations {
		s.Annotations[key] = string(value)
	}
	s.Annotations[v1alpha1.AnnotationOwner] = keyOf(p.client).String()
	s.Annotations[v1alpha1.AnnotationOwnerUID] = string(p.client.UID)
	noteTemplate(s, template)
	s.OwnerReferences = ownerReferences(s.OwnerReferences, p.client, p.deletionPolicy())
	keys := credentialKeys(template.Keys)
	s.Data = map[string][]byte{
		keys.ClientID:      []byte(p.record.ClientID),
		keys.Issuer:        []byte(p.as.Spec.Issuer),
		keys.TokenEndpoint: []byte(p.endpoints.Token),
	}
	if !p.record.Public {
		s.Data[keys.ClientSecret] = []byte(p.record.Current.Reveal())
	}
	if _, taken := s.Data[v1alpha1.CredentialsKeyCACertificate]; !taken && p.as.Status.CABundle != "" {
		s.Data[v1alpha1.CredentialsKeyCACertificate] = []byte(p.as.Status.CABundle)
	}
}

// annotationTemplate, on a credentials Secret, lists the labels and annotations
// that the template set, so that one that is taken out of it goes. Neither key
// can hold a comma.
const (
	annotationTemplate = "oauth.clientele.dev/template"
	templateLabel      = "label:"
	templateAnnotation = "annotation:"
)

func noteTemplate(s *corev1.Secret, template *v1alpha1.CredentialsTemplate) {
	var set []string
	for key := range template.Labels {
		set = append(set, templateLabel+key)
	}
	for key := range template.Annotations {
		set = append(set, templateAnnotation+key)
	}
	if len(set) > 0 {
		slices.Sort(set)
		s.Annotations[annotationTemplate] = strings.Join(set, ",")
	}
}

// dropTemplate takes off what an earlier template set.
func dropTemplate(s *corev1.Secret) {
	for one := range strings.SplitSeq(s.Annotations[annotationTemplate], ",") {
		if key, ok := strings.CutPrefix(one, templateLabel); ok {
			delete(s.Labels, key)
		}
		if key, ok := strings.CutPrefix(one, templateAnnotation); ok {
			delete(s.Annotations, key)
		}
	}
	delete(s.Annotations, annotationTemplate)
}

// ownerReferences makes the OAuthClient the one owner of its kind, so that the
// Secret is collected with it; under deletion policy Orphan it is not.
func ownerReferences(have []metav1.OwnerReference, oac *v1alpha1.OAuthClient, policy v1alpha1.DeletionPolicy) []metav1.OwnerReference {
	kept := slices.DeleteFunc(slices.Clone(have), func(o metav1.OwnerReference) bool {
		return o.Kind == "OAuthClient" && o.APIVersion == v1alpha1.GroupVersion.String()
	})
	if policy == v1alpha1.DeletionPolicyOrphan {
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
