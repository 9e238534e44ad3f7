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
	// those who are authenticated a user) may register in a minute; and, counted
	// apart, how many changes and deletions of what was registered (RFC 7592) it may
	// ask for, and how many may be asked for of one client. Absent: 10.
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
	// and, counted apart, how many changes and deletions they may ask for. Those with
	// verb register may as many of both, apart from the others. Absent: 120.
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

	// privateUseSchemes are URI schemes without a period that redirect URIs may
	// have, those of OAuthClients too (which redirectHosts may narrow). RFC 8252,
	// Section 7.1 wants a domain in reverse instead, com.example.app, for any app on
	// a device may claim any scheme; some apps in wide use do without, such as
	// cursor. Of a Public client people are asked for consent every time an answer
	// goes there, for anybody's app could say that it is that client.
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z]([a-z0-9-]*[a-z0-9])?$`
	// +kubebuilder:validation:items:XValidation:rule="!self.startsWith('ms-') && !(self in ['about', 'blob', 'chrome', 'content', 'data', 'feed', 'file', 'filesystem', 'ftp', 'ftps', 'http', 'https', 'intent', 'jar', 'javascript', 'ldap', 'ldaps', 'localhost', 'mailto', 'resource', 'sftp', 'smb', 'sms', 'ssh', 'tel', 'telnet', 'urn', 'vbscript', 'view-source', 'ws', 'wss'])",message="a private-use scheme must be none that browsers or operating systems understand themselves"
	// +optional
	PrivateUseSchemes []string `json:"privateUseSchemes,omitempty"`
}
