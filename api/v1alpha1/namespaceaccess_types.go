package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NamespaceAccessSpec is what a group of namespaces may have at an
// AuthorizationServer. The rights of all NamespaceAccesses that match a namespace
// add up; their order never matters. A section or list that is absent gives
// nothing. In redirectHosts, clientIDPrefixes and resources.prefixes, {namespace}
// stands for the name of the namespace whose right is decided.
type NamespaceAccessSpec struct {
	// serverRef names the AuthorizationServer, which lies in the same namespace as
	// this object. Absent: the one named `default`.
	// +optional
	ServerRef *LocalServerReference `json:"serverRef,omitempty"`

	// namespaces that get the rights. Same is the AuthorizationServer's own
	// namespace.
	// +required
	Namespaces NamespaceGroup `json:"namespaces"`

	// clients lets the namespaces have OAuthClients. An empty section permits
	// OAuthClients without redirect URIs and with client ids that start with
	// `<namespace>.`.
	// +optional
	Clients *ClientAccess `json:"clients,omitempty"`

	// resources lets the namespaces declare the scopes of resources (RFC 8707) with
	// a ScopePolicy.
	// +optional
	Resources *ResourceAccess `json:"resources,omitempty"`

	// quota limits what each namespace may have. Of all NamespaceAccesses that match
	// a namespace, the largest limit counts; if none sets one, there is no limit.
	// +optional
	Quota *AccessQuota `json:"quota,omitempty"`
}

// LocalServerReference names an AuthorizationServer in the same namespace.
type LocalServerReference struct {
	// name of the AuthorizationServer.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +required
	Name string `json:"name"`
}

// ClientAccess is what OAuthClients may have and claim.
type ClientAccess struct {
	// redirectHosts are the hosts that redirectURIs and postLogoutRedirectURIs may
	// lead to: a host name without a port; with `*.` before it, every name below it
	// at any depth; localhost, 127.0.0.1 or [::1] for programs on the user's machine;
	// a private-use scheme with its colon, such as com.example.app: (an item without the
	// colon is a host, which may be another's). The item "*" means every redirect URI that
	// the server's own rules permit: any https host, loopback, and private-use
	// schemes (those without a period: of registration.privateUseSchemes).
	// {namespace} may stand in every label but the last.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([*]|([*][.])?([a-z0-9_-]|[{]namespace[}])+([.]([a-z0-9_-]|[{]namespace[}])+)*|[[][0-9a-f:]+[]]|[a-z][a-z0-9.-]*:)$')",message="a redirect host must be a host name in lower case without scheme, port or path, such as app.example, *.app.example or {namespace}.apps.example, a private-use scheme with its colon, such as com.example.app:, or * for all"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('[{]namespace[}][^.]*$')",message="{namespace} must not be in the last label of a redirect host: the name of a namespace could be a top-level domain"
	// +optional
	RedirectHosts []string `json:"redirectHosts,omitempty"`

	// clientIDPrefixes are prefixes, beside `<namespace>.`, that spec.clientID may
	// start with. A client id that reads `<text>.<more>` with only lower-case
	// letters, digits and hyphens before its first dot belongs to the namespace of
	// that name alone, whether or not there is such a namespace: no prefix covers it.
	// A character that no namespace name has must follow {namespace}, as in
	// {namespace}_, so that the name ends there.
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^([A-Za-z0-9._~-]|[{]namespace[}])+$')",message="a client id prefix must be of the characters A-Z a-z 0-9 . _ ~ - and {namespace}"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('^([a-z0-9-]|[{]namespace[}])+[.]')",message="a client id prefix must not read like <namespace>. (only a-z 0-9 - before its first dot): those client ids belong to the namespace of that name"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('[{]namespace[}]([a-z0-9{-]|$)')",message="in a client id prefix, one of . _ ~ A-Z must follow {namespace}, such as {namespace}_: with {namespace}- namespace shop could claim the client ids of a namespace named shop-eu"
	// +optional
	ClientIDPrefixes []string `json:"clientIDPrefixes,omitempty"`

	// trusted means that the platform team answers for the apps: users are not asked
	// for consent, unless they withdrew it on the account page. It counts for a client
	// only if redirectHosts of this object cover all its redirect URIs.
	// +optional
	Trusted bool `json:"trusted,omitempty"`

	// pkceOptional permits spec.pkce Optional, the exception for old confidential web
	// apps that cannot send PKCE. It counts for a client only if redirectHosts of this
	// object cover all its redirect URIs.
	// +optional
	PKCEOptional bool `json:"pkceOptional,omitempty"`

	// orphan permits spec.deletionPolicy Orphan: the client and its credentials
	// outlive their OAuthClient.
	// +optional
	Orphan bool `json:"orphan,omitempty"`
}

// ResourceAccess is which resources may be declared.
type ResourceAccess struct {
	// prefixes of resource identifiers (RFC 8707). A prefix covers a resource that
	// equals it or continues it after a `/`. Of all prefixes that cover a resource,
	// in all NamespaceAccesses of the AuthorizationServer, the longest decides who may
	// declare it; if several are equally long, the namespaces of each may. A prefix with
	// {namespace} covers what it would cover for a namespace of any name, and lets only
	// the namespace of that name declare it. The issuer and the audiences of the
	// Kubernetes API server are reserved.
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z][a-z0-9+.-]*:([]!$%&-;=?-[_a-z~]|[{]namespace[}])+$') && isURL(self.replace('{namespace}', 'n'))",message="a prefix must be an absolute URI without a fragment (RFC 8707, Section 2), its scheme in lower case, such as https://{namespace}.api.example"
	// +kubebuilder:validation:items:XValidation:rule="!self.matches('^[a-z][a-z0-9+.-]*://[^/?]*[A-Z]')",message="the host of a prefix must be in lower case, as it is in every resource"
	// +kubebuilder:validation:items:XValidation:rule="!self.startsWith('https://kubernetes.default.svc')",message="https://kubernetes.default.svc is reserved: tokens for it open the Kubernetes API server"
	// +optional
	Prefixes []string `json:"prefixes,omitempty"`
}

// AccessQuota limits what each namespace may have at the AuthorizationServer. What
// is registered stays registered if a limit sinks below it.
type AccessQuota struct {
	// clients is how many OAuthClients a namespace may have. A deleted one counts
	// until the server has deregistered it, an orphaned one as long as it is
	// registered.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	Clients *int32 `json:"clients,omitempty"`

	// redirectURIs is how many redirectURIs the OAuthClients of a namespace may have
	// together.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	RedirectURIs *int32 `json:"redirectURIs,omitempty"`
}

// NamespaceAccessStatus is what the operator observed.
type NamespaceAccessStatus struct {
	// observedGeneration is the generation of the spec that the conditions tell of;
	// -1 until the operator has seen the object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Ready; and, only while true, Reconciling and Stalled.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// namespaces is how many namespaces the object matches.
	// +optional
	Namespaces int32 `json:"namespaces"`
}

// NamespaceAccess says what a group of namespaces may have at the
// AuthorizationServer beside it. While an AuthorizationServer has no NamespaceAccess,
// its own namespace may have OAuthClients with any redirect host and declare any
// resource, and other namespaces may have nothing. As soon as it has one, only what
// its NamespaceAccesses give counts, also for its own namespace.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=namespaceaccesses,shortName=ona,categories=clientele
// +kubebuilder:printcolumn:name="Server",type=string,JSONPath=`.spec.serverRef.name`
// +kubebuilder:printcolumn:name="From",type=string,JSONPath=`.spec.namespaces.from`
// +kubebuilder:printcolumn:name="Namespaces",type=integer,JSONPath=`.status.namespaces`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type NamespaceAccess struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the platform team decides.
	// +required
	Spec NamespaceAccessSpec `json:"spec"`

	// status is what the operator observed.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status NamespaceAccessStatus `json:"status,omitzero"`
}

// NamespaceAccessList is a list of NamespaceAccesses.
//
// +kubebuilder:object:root=true
type NamespaceAccessList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []NamespaceAccess `json:"items"`
}
