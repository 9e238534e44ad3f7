package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SigningAlgorithm is a JWS algorithm for tokens (RFC 7518, Section 3.1).
// +kubebuilder:validation:Enum=ES256;RS256
type SigningAlgorithm string

// The algorithms the server can sign with.
const (
	ES256 SigningAlgorithm = "ES256"
	RS256 SigningAlgorithm = "RS256"
)

// SigningSpec governs the keys that sign tokens. There is one that signs, and its
// successor, for each algorithm that is named here. While an algorithm is changed
// the old key signs on until its successor was published for jwksMaxAge.
type SigningSpec struct {
	// accessTokenAlgorithm signs access tokens.
	// +kubebuilder:default=ES256
	// +optional
	AccessTokenAlgorithm SigningAlgorithm `json:"accessTokenAlgorithm,omitempty"`

	// idTokenAlgorithm signs ID tokens. RS256 is what OpenID Connect clients take
	// that were told nothing (OpenID Connect Core 1.0, Section 2). Its key is made
	// without users as well, so that it can sign as soon as there are some.
	// +kubebuilder:default=RS256
	// +optional
	IDTokenAlgorithm SigningAlgorithm `json:"idTokenAlgorithm,omitempty"`

	// rotateEvery is how long a key signs before its successor takes over.
	// +kubebuilder:default="2160h0m0s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('87600h')",message="rotateEvery must be a duration in h, m and s between 1m and 87600h, such as 90m"
	// +optional
	RotateEvery metav1.Duration `json:"rotateEvery,omitzero"`

	// jwksMaxAge is how long verifiers may cache the JWKS; a new key is
	// published at least this long before it signs.
	// +kubebuilder:default="5m0s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('0s') && duration(self) <= duration('24h')",message="jwksMaxAge must be a duration in h, m and s between 0s and 24h, such as 90m"
	// +optional
	JWKSMaxAge metav1.Duration `json:"jwksMaxAge,omitzero"`
}

// SigningKeyPhase is where a signing key is in its life.
// +kubebuilder:validation:Enum=Published;Active;Retiring
type SigningKeyPhase string

// The phases of a signing key.
const (
	// KeyPublished is in the JWKS and signs nothing yet.
	KeyPublished SigningKeyPhase = "Published"
	// KeyActive signs.
	KeyActive SigningKeyPhase = "Active"
	// KeyRetiring signs no more; it stays in the JWKS until the last token it signed has expired.
	KeyRetiring SigningKeyPhase = "Retiring"
)

// SigningKeyStatus tells of one signing key; never its private part.
type SigningKeyStatus struct {
	// kid is the key's RFC 7638 thumbprint.
	// +kubebuilder:validation:MaxLength=128
	// +required
	KID string `json:"kid"`

	// algorithm the key signs with.
	// +required
	Algorithm SigningAlgorithm `json:"algorithm"`

	// phase the key is in.
	// +required
	Phase SigningKeyPhase `json:"phase"`

	// created is when the key was made.
	// +required
	Created metav1.Time `json:"created"`

	// activated is when the key began to sign.
	// +optional
	Activated *metav1.Time `json:"activated,omitempty"`

	// retired is when the key stopped to sign.
	// +optional
	Retired *metav1.Time `json:"retired,omitempty"`
}
