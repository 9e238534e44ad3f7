package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RegistrationMode says who may register clients.
// +kubebuilder:validation:Enum=Disabled;Authenticated;Open
type RegistrationMode string

// The registration modes.
const (
	// RegistrationDisabled: only the operator.
	RegistrationDisabled RegistrationMode = "Disabled"
	// RegistrationAuthenticated: also who has a Kubernetes token and the RBAC verb
	// register on the AuthorizationServer.
	RegistrationAuthenticated RegistrationMode = "Authenticated"
	// RegistrationOpen: also anybody, a Public client.
	RegistrationOpen RegistrationMode = "Open"
)

// RegistrationSpec says who may register clients (RFC 7591), and how many.
type RegistrationSpec struct {
	// mode: Disabled, Authenticated (RBAC verb register) or Open (anybody a public
	// client).
	// +kubebuilder:default=Disabled
	// +optional
	Mode RegistrationMode `json:"mode,omitempty"`

	// maxClients is how many clients there may be that anybody registered, and how
	// many that those with verb register did. Absent: 10,000.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	MaxClients int32 `json:"maxClients,omitempty"`

	// perAddressMinute is how many an address (an IPv4 address or an IPv6 /64; of
	// those who are authenticated a user) may register in a minute. Absent: 10.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	// +optional
	PerAddressMinute int32 `json:"perAddressMinute,omitempty"`

	// perAddressDay is how many it may register in a day. Absent: 100.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	PerAddressDay int32 `json:"perAddressDay,omitempty"`

	// perMinute is how many all together may register in a minute, at one replica;
	// those with verb register, as many apart from the others.
	// Absent: 120.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	// +optional
	PerMinute int32 `json:"perMinute,omitempty"`

	// unusedFor is how long a client stays that nobody ever used. Absent: 24h.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="unusedFor must be a duration in h, m and s between 1m and 8760h, such as 90m"
	// +optional
	UnusedFor *metav1.Duration `json:"unusedFor,omitempty"`

	// idleFor is how long a client stays that nobody uses any more. Absent: 2160h.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1h') && duration(self) <= duration('87600h')",message="idleFor must be a duration in h, m and s between 1h and 87600h, such as 90m"
	// +optional
	IdleFor *metav1.Duration `json:"idleFor,omitempty"`
}
