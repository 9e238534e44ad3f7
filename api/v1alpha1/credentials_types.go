package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CredentialsSpec says how a client's credentials are handed out.
// +kubebuilder:validation:XValidation:rule="!has(self.rotateEvery) || !has(self.overlap) || duration(self.overlap) < duration(self.rotateEvery)",message="overlap (24h unless it is set) must be shorter than rotateEvery: the next rotation waits until the previous secret has expired"
type CredentialsSpec struct {
	// secretName is the Secret, in the OAuthClient's namespace, that holds the
	// credentials. Absent: `<name>-oauth`. A Secret that belongs to somebody
	// else is never written to.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +optional
	SecretName string `json:"secretName,omitempty"`

	// template shapes the Secret.
	// +optional
	Template *CredentialsTemplate `json:"template,omitempty"`

	// rotateEvery is how long a client secret is handed out before a new one
	// takes its place. Absent: only when asked for by the annotation
	// oauth.clientele.dev/rotate-secret.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('87600h')",message="rotateEvery must be a duration in h, m and s between 1m and 87600h, such as 90m"
	// +optional
	RotateEvery *metav1.Duration `json:"rotateEvery,omitempty"`

	// overlap is how long the previous secret stays valid after a rotation. It must
	// be shorter than rotateEvery.
	// +kubebuilder:default="24h0m0s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('0s') && duration(self) <= duration('8760h')",message="overlap must be a duration in h, m and s between 0s and 8760h, such as 90m"
	// +optional
	Overlap *metav1.Duration `json:"overlap,omitempty"`
}

// LabelValue is the value of a label, by the rules of Kubernetes.
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:XValidation:rule="self.matches('^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$')",message="a label's value must be at most 63 of the characters A-Z a-z 0-9 - _ . and begin and end with a letter or digit"
type LabelValue string

// AnnotationValue is the value of an annotation. All annotations of an object
// together may have 256 KiB, so each of ours is bounded.
// +kubebuilder:validation:MaxLength=1024
type AnnotationValue string

// CredentialsTemplate shapes the credentials Secret.
type CredentialsTemplate struct {
	// labels added to the Secret.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('oauth.clientele.dev/'))",message="labels under oauth.clientele.dev/ are the operator's own"
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$') && k.indexOf('/') <= 253)",message="a label's key must be a name of at most 63 of the characters A-Z a-z 0-9 - _ . that begins and ends with a letter or digit, after an optional DNS name and a slash"
	// +optional
	Labels map[string]LabelValue `json:"labels,omitempty"`

	// annotations added to the Secret.
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('oauth.clientele.dev/'))",message="annotations under oauth.clientele.dev/ are the operator's own"
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$') && k.indexOf('/') <= 253)",message="an annotation's key must be a name of at most 63 of the characters A-Z a-z 0-9 - _ . that begins and ends with a letter or digit, after an optional DNS name and a slash"
	// +optional
	Annotations map[string]AnnotationValue `json:"annotations,omitempty"`

	// keys renames the Secret's keys.
	// +optional
	Keys *CredentialsKeys `json:"keys,omitempty"`
}

// CredentialsKeys renames the keys of the credentials Secret.
// +kubebuilder:validation:XValidation:rule="[self.?clientID.orValue('client_id'), self.?clientSecret.orValue('client_secret'), self.?issuer.orValue('issuer'), self.?tokenEndpoint.orValue('token_endpoint')].all(a, [self.?clientID.orValue('client_id'), self.?clientSecret.orValue('client_secret'), self.?issuer.orValue('issuer'), self.?tokenEndpoint.orValue('token_endpoint')].exists_one(b, a == b))",message="the keys must differ from each other"
type CredentialsKeys struct {
	// clientID is the key of the client id. Absent: client_id.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	ClientID string `json:"clientID,omitempty"`

	// clientSecret is the key of the client secret. Absent: client_secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	ClientSecret string `json:"clientSecret,omitempty"`

	// issuer is the key of the issuer. Absent: issuer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	Issuer string `json:"issuer,omitempty"`

	// tokenEndpoint is the key of the token endpoint's URL. Absent: token_endpoint.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	TokenEndpoint string `json:"tokenEndpoint,omitempty"`
}
