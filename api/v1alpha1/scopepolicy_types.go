package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ScopePolicySpec is what an API owner declares: the scopes of one resource and
// who may have them. What nobody allows is not granted.
// +kubebuilder:validation:XValidation:rule="!has(self.allow) || self.allow.all(a, sets.contains(self.scopes.map(d, d.name), a.scopes))",message="allow may name only scopes that are declared in scopes"
// +kubebuilder:validation:XValidation:rule="has(self.serverRef) ? (has(oldSelf.serverRef) ? self.serverRef.name == oldSelf.serverRef.name : self.serverRef.name == 'default') : (!has(oldSelf.serverRef) || oldSelf.serverRef.name == 'default')",message="serverRef is immutable: it must go on naming the same AuthorizationServer; make a new ScopePolicy instead"
type ScopePolicySpec struct {
	// serverRef names the AuthorizationServer. Absent: the one named `default` in
	// the operator's namespace. It cannot be changed to another server. Parts that
	// are absent may be written out later, as status.serverRef has them.
	// +optional
	ServerRef *ServerReference `json:"serverRef,omitempty"`

	// resource identifies the API (RFC 8707, Section 2) and becomes `aud` of its
	// tokens. A NamespaceAccess says which namespaces may declare it
	// (resources.prefixes). It cannot be changed.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z][a-z0-9+.-]*:[]!$%&-;=?-[_a-z~]+$') && isURL(self)",message="resource must be an absolute URI without a fragment (RFC 8707, Section 2), its scheme in lower case"
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('https://kubernetes.default.svc')",message="resource is reserved: tokens for it would open the Kubernetes API; choose the URI of your own API"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="resource is immutable; make a new ScopePolicy instead"
	// +required
	Resource string `json:"resource"`

	// scopes of the resource.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +required
	Scopes []ScopeDeclaration `json:"scopes"`

	// allow says which clients may have which scopes. A scope is granted if any
	// entry of any policy for the resource allows it.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Allow []AllowRule `json:"allow,omitempty"`

	// resourceServers are the OAuthClients that may introspect tokens for the
	// resource (RFC 7662): the API itself, as a client of the server.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	// +optional
	ResourceServers []ResourceServerReference `json:"resourceServers,omitempty"`
}

// ResourceServerReference names an OAuthClient.
type ResourceServerReference struct {
	// name of the OAuthClient.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +required
	Name string `json:"name"`

	// namespace of the OAuthClient. Absent: the ScopePolicy's own.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +optional
	Namespace string `json:"namespace,omitempty"`
}

// Grantee is a kind of subject that a scope is granted to.
// +kubebuilder:validation:Enum=Users;Clients
type Grantee string

// The grantees.
const (
	// GrantableToUsers: through an app that acts for them.
	GrantableToUsers Grantee = "Users"
	// GrantableToClients: for themselves (client_credentials).
	GrantableToClients Grantee = "Clients"
)

// ScopeDeclaration declares one scope.
// +kubebuilder:validation:XValidation:rule="!has(self.roles) || self.roles.size() == 0 || !has(self.grantableTo) || 'Users' in self.grantableTo",message="roles are for users: add Users to grantableTo, or remove the roles"
type ScopeDeclaration struct {
	// name of the scope (RFC 6749, Section 3.3). Those of OpenID Connect (openid,
	// profile, email, offline_access) are the server's own and cannot be declared.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[\x21\x23-\x5B\x5D-\x7E]+$`
	// +kubebuilder:validation:XValidation:rule="!(self in ['openid', 'profile', 'email', 'offline_access'])",message="a scope of OpenID Connect cannot be declared: the server itself grants it; choose another name"
	// +required
	Name string `json:"name"`

	// description says in a person's words what the scope permits.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Description string `json:"description,omitempty"`

	// maxAccessTokenLifetime is the longest that an access token with this scope
	// may live.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('24h')",message="maxAccessTokenLifetime must be a duration in h, m and s between 1m and 24h, such as 90m"
	// +optional
	MaxAccessTokenLifetime *metav1.Duration `json:"maxAccessTokenLifetime,omitempty"`

	// roles of which a user must hold one to have the scope. Absent: any user.
	// They say nothing about tokens that are for no user, which grantableTo must name
	// beside them.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[^\s\x00-\x1F\x7F]([^\x00-\x1F\x7F]*[^\s\x00-\x1F\x7F])?$`
	// +optional
	Roles []string `json:"roles,omitempty"`

	// grantableTo says who may have the scope: Users through an app that acts for
	// them, Clients for themselves. Absent: both, or Users alone if roles are given.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=2
	// +optional
	GrantableTo []Grantee `json:"grantableTo,omitempty"`
}

// AllowRule allows scopes to clients: to OAuthClients, or to clients that
// registered themselves, never to both.
// +kubebuilder:validation:XValidation:rule="self.?selfRegistered.orValue(false) != has(self.namespaces)",message="namespaces must be set, unless selfRegistered is true: then it must not be"
// +kubebuilder:validation:XValidation:rule="!self.?selfRegistered.orValue(false) || !has(self.clients)",message="clients must not be set where selfRegistered is true: clients that registered themselves have no labels"
// +kubebuilder:validation:XValidation:rule="!self.?selfRegistered.orValue(false) || !has(self.grantTypes) || !('client_credentials' in self.grantTypes)",message="grantTypes must not list client_credentials where selfRegistered is true: clients that registered themselves act for users only"
type AllowRule struct {
	// namespaces whose OAuthClients are meant; Same is the ScopePolicy's own.
	// Required unless selfRegistered is true.
	// +optional
	Namespaces NamespaceGroup `json:"namespaces,omitzero"`

	// selfRegistered means the clients that registered themselves (RFC 7591), as far as
	// the AuthorizationServer lets anybody, in place of OAuthClients.
	// +optional
	SelfRegistered bool `json:"selfRegistered,omitempty"`

	// clients narrows the rule to OAuthClients with these labels. Absent: all.
	// Labels narrow and never authorise: an app team sets the labels of its own
	// OAuthClients, so it can match any selector. Whom you trust is said by
	// namespaces alone.
	// +optional
	Clients *metav1.LabelSelector `json:"clients,omitempty"`

	// scopes that are allowed; each must be declared above.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +required
	Scopes []string `json:"scopes"`

	// grantTypes the scopes are allowed with. Absent: every one.
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +optional
	GrantTypes []GrantType `json:"grantTypes,omitempty"`
}

// ScopePolicyStatus is what the operator observed.
type ScopePolicyStatus struct {
	// observedGeneration is the generation of the spec that the conditions tell of;
	// -1 until the operator has seen the object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Ready (in force at the server) and Conflicted; and, only while
	// true, Reconciling and Stalled.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// serverRef is the AuthorizationServer as resolved.
	// +optional
	ServerRef *ServerReference `json:"serverRef,omitempty"`
}

// ScopePolicy declares the scopes of one API and who may have them.
//
// +kubebuilder:object:root=true
// +kubebuilder:validation:XValidation:rule="(has(self.spec.serverRef) && has(self.spec.serverRef.__namespace__)) ? ((has(oldSelf.spec.serverRef) && has(oldSelf.spec.serverRef.__namespace__)) ? self.spec.serverRef.__namespace__ == oldSelf.spec.serverRef.__namespace__ : (has(oldSelf.status) && has(oldSelf.status.serverRef) && has(oldSelf.status.serverRef.__namespace__) && self.spec.serverRef.__namespace__ == oldSelf.status.serverRef.__namespace__)) : !(has(oldSelf.spec.serverRef) && has(oldSelf.spec.serverRef.__namespace__))",message="serverRef is immutable: its namespace may be added later only as status.serverRef has it, and not be changed or removed"
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=osp,categories=clientele
// +kubebuilder:printcolumn:name="Resource",type=string,JSONPath=`.spec.resource`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Server",type=string,priority=1,JSONPath=`.status.serverRef.name`
// +kubebuilder:printcolumn:name="Conflicted",type=string,JSONPath=`.status.conditions[?(@.type=="Conflicted")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type ScopePolicy struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the API owner declares.
	// +required
	Spec ScopePolicySpec `json:"spec"`

	// status is what the operator observed.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status ScopePolicyStatus `json:"status,omitzero"`
}

// ScopePolicyList is a list of ScopePolicies.
//
// +kubebuilder:object:root=true
type ScopePolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ScopePolicy `json:"items"`
}
