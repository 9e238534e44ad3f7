package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GrantType is an OAuth grant type (RFC 7591, Section 2).
// +kubebuilder:validation:Enum=client_credentials;authorization_code;refresh_token
type GrantType string

// The grant types.
const (
	// GrantClientCredentials is the grant of RFC 6749, Section 4.4: a client acts
	// for itself.
	GrantClientCredentials GrantType = "client_credentials"
	// GrantAuthorizationCode is the grant of RFC 6749, Section 4.1: a client acts
	// for a user, who signs in and consents.
	GrantAuthorizationCode GrantType = "authorization_code"
	// GrantRefreshToken is the grant of RFC 6749, Section 6: it continues what the
	// authorization code grant began.
	GrantRefreshToken GrantType = "refresh_token"
)

// ClientType says whether a client can keep a secret (RFC 6749, Section 2.1).
// +kubebuilder:validation:Enum=Confidential;Public
type ClientType string

// The client types.
const (
	// ClientConfidential keeps a secret: it runs on a server.
	ClientConfidential ClientType = "Confidential"
	// ClientPublic cannot: it runs in a browser or on a user's device.
	ClientPublic ClientType = "Public"
)

// PKCEMode says whether authorization requests need PKCE (RFC 7636).
// +kubebuilder:validation:Enum=Required;Optional
type PKCEMode string

// The PKCE modes.
const (
	// PKCERequired is what OAuth 2.1 wants of every client.
	PKCERequired PKCEMode = "Required"
	// PKCEOptional is the exception for old confidential web apps.
	PKCEOptional PKCEMode = "Optional"
)

// AuthMethod is how a client authenticates at the token endpoint (RFC 7591,
// Section 2).
// +kubebuilder:validation:Enum=client_secret_basic;client_secret_post;none
type AuthMethod string

// The authentication methods.
const (
	// AuthClientSecretBasic is HTTP Basic (RFC 6749, Section 2.3.1).
	AuthClientSecretBasic AuthMethod = "client_secret_basic"
	// AuthClientSecretPost is credentials in the request body (RFC 6749, Section 2.3.1).
	AuthClientSecretPost AuthMethod = "client_secret_post"
	// AuthNone is that of a Public client, which says its client id and no more.
	AuthNone AuthMethod = "none"
)

// DeletionPolicy says what becomes of the registration when its OAuthClient goes.
// +kubebuilder:validation:Enum=Delete;Orphan
type DeletionPolicy string

// The deletion policies.
const (
	// DeletionPolicyDelete removes the client at the server.
	DeletionPolicyDelete DeletionPolicy = "Delete"
	// DeletionPolicyOrphan leaves the client and its credentials Secret as they
	// are; an OAuthClient of the same namespace and name adopts them.
	DeletionPolicyOrphan DeletionPolicy = "Orphan"
)

// OAuthClientSpec is what an app team asks for.
// +kubebuilder:validation:XValidation:rule="self.?type.orValue('Confidential') == 'Public' ? self.?authMethod.orValue('none') == 'none' : self.?authMethod.orValue('client_secret_basic') != 'none'",message="authMethod must be none, or absent, for type Public, and a method with a secret, or absent, for type Confidential"
// +kubebuilder:validation:XValidation:rule="self.?type.orValue('Confidential') != 'Public' || !(has(self.grantTypes) && 'client_credentials' in self.grantTypes)",message="grantTypes must not list client_credentials for type Public, which cannot authenticate; list authorization_code, and refresh_token if it is to refresh"
// +kubebuilder:validation:XValidation:rule="!(has(self.grantTypes) && 'refresh_token' in self.grantTypes) || (has(self.grantTypes) && 'authorization_code' in self.grantTypes)",message="grantTypes must list authorization_code beside refresh_token"
// +kubebuilder:validation:XValidation:rule="!(has(self.grantTypes) && 'authorization_code' in self.grantTypes) || (has(self.redirectURIs) && self.redirectURIs.size() > 0)",message="redirectURIs must list at least one, for grantTypes lists authorization_code"
// +kubebuilder:validation:XValidation:rule="(has(self.grantTypes) && 'authorization_code' in self.grantTypes) || (!has(self.redirectURIs) || self.redirectURIs.size() == 0)",message="redirectURIs are for authorization_code: add it to grantTypes, or remove them"
// +kubebuilder:validation:XValidation:rule="self.?pkce.orValue('Required') != 'Optional' || (self.?type.orValue('Confidential') == 'Confidential' && (has(self.grantTypes) && 'authorization_code' in self.grantTypes))",message="pkce may be Optional only for type Confidential with authorization_code in grantTypes"
// +kubebuilder:validation:XValidation:rule="!has(self.tokens) || (has(self.grantTypes) && 'refresh_token' in self.grantTypes) || (!has(self.tokens.refreshTokenLifetime) && !has(self.tokens.refreshTokenIdleLifetime))",message="tokens limits refresh tokens: add refresh_token to grantTypes, or remove the limits"
// +kubebuilder:validation:XValidation:rule="self.?type.orValue('Confidential') != 'Public' || !has(self.credentials) || !has(self.credentials.rotateEvery)",message="credentials.rotateEvery is for type Confidential: a Public client has no secret to rotate"
// +kubebuilder:validation:XValidation:rule="!has(self.users) || (has(self.grantTypes) && 'authorization_code' in self.grantTypes)",message="users is for authorization_code: add it to grantTypes, or remove users"
// +kubebuilder:validation:XValidation:rule="has(self.clientID) == has(oldSelf.clientID)",message="clientID is immutable: it cannot be set or removed later; make a new OAuthClient instead"
// +kubebuilder:validation:XValidation:rule="has(self.serverRef) ? (has(oldSelf.serverRef) ? self.serverRef.name == oldSelf.serverRef.name : self.serverRef.name == 'default') : (!has(oldSelf.serverRef) || oldSelf.serverRef.name == 'default')",message="serverRef is immutable: it must go on naming the same AuthorizationServer; make a new OAuthClient instead"
type OAuthClientSpec struct {
	// serverRef names the AuthorizationServer. Absent: the one named `default` in
	// the operator's namespace. It cannot be changed to another server. Parts that
	// are absent may be written out later, as status.serverRef has them.
	// +optional
	ServerRef *ServerReference `json:"serverRef,omitempty"`

	// clientID is the client identifier (RFC 6749, Section 2.2). Absent:
	// `<namespace>.<name>`, the same again when the object is re-created. A
	// custom one starts with `<own namespace>.`, unless a NamespaceAccess permits
	// another prefix (clients.clientIDPrefixes). It cannot be changed.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=255
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9._~-]+$`
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="clientID is immutable; make a new OAuthClient instead"
	// +optional
	ClientID string `json:"clientID,omitempty"`

	// type says whether the client can keep a secret: Confidential runs on a
	// server, Public in a browser or on a user's device.
	// +kubebuilder:default=Confidential
	// +optional
	Type ClientType `json:"type,omitempty"`

	// displayName is what people are shown on the consent page. Absent: the
	// object's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +optional
	DisplayName string `json:"displayName,omitempty"`

	// description says in a sentence what the app does, for the consent page.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Description string `json:"description,omitempty"`

	// homepageURL leads people to the app's own page.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://[]!#$%&-;=?-[_a-z~]+$') && isURL(self)",message="homepageURL must be an https or http URL"
	// +optional
	HomepageURL string `json:"homepageURL,omitempty"`

	// logoURL is a PNG, JPEG, GIF or WebP image of at most 256 KiB and 2048 x 2048
	// pixels, shown on the consent page and the account page. The server fetches it
	// itself, from the public internet and the networks in the AuthorizationServer's
	// outboundAllow; while it cannot, the pages show the app's initials.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[]!$%&-;=?-[_a-z~]+$') && isURL(self)",message="logoURL must be an https URL without a fragment"
	// +optional
	LogoURL string `json:"logoURL,omitempty"`

	// policyURL leads people to what the app does with their data.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[]!#$%&-;=?-[_a-z~]+$') && isURL(self)",message="policyURL must be an https URL"
	// +optional
	PolicyURL string `json:"policyURL,omitempty"`

	// termsOfServiceURL leads people to the app's terms of service.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="self.matches('^https://[]!#$%&-;=?-[_a-z~]+$') && isURL(self)",message="termsOfServiceURL must be an https URL"
	// +optional
	TermsOfServiceURL string `json:"termsOfServiceURL,omitempty"`

	// grantTypes the client may use.
	// +listType=set
	// +kubebuilder:default={"client_credentials"}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +optional
	GrantTypes []GrantType `json:"grantTypes,omitempty"`

	// redirectURIs are where users may be sent back with an authorization code,
	// compared byte by byte; only the port of a loopback address may differ (RFC
	// 8252, Section 7.3). A NamespaceAccess must permit their hosts
	// (clients.redirectHosts).
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^(https://[^/]|http://(127[.]0[.]0[.]1|[[]::1[]]|localhost)([:/?]|$)|[a-z][a-z0-9-]*([.][a-z0-9-]+)+:/)') || (self.matches('^[a-z][a-z0-9-]*:/') && !self.matches('^(about|blob|chrome|content|data|feed|file|filesystem|ftp|ftps|http|https|intent|jar|javascript|ldap|ldaps|localhost|mailto|resource|sftp|smb|sms|ssh|tel|telnet|urn|vbscript|view-source|ws|wss|ms-[a-z0-9-]*):'))",message="a redirect URI must be https, http on 127.0.0.1, [::1] or localhost, or of a private-use scheme like com.example.app:/callback (RFC 8252), or one that the AuthorizationServer permits (registration.privateUseSchemes)"
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[]!$%&-;=?-[_a-z~]+$')",message="a redirect URI must have no fragment and no character that must be percent-encoded"
	// +optional
	RedirectURIs []string `json:"redirectURIs,omitempty"`

	// postLogoutRedirectURIs are where users may be sent after signing out
	// (OpenID Connect RP-Initiated Logout 1.0); the rules are those of redirectURIs.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^(https://[^/]|http://(127[.]0[.]0[.]1|[[]::1[]]|localhost)([:/?]|$)|[a-z][a-z0-9-]*([.][a-z0-9-]+)+:/)') || (self.matches('^[a-z][a-z0-9-]*:/') && !self.matches('^(about|blob|chrome|content|data|feed|file|filesystem|ftp|ftps|http|https|intent|jar|javascript|ldap|ldaps|localhost|mailto|resource|sftp|smb|sms|ssh|tel|telnet|urn|vbscript|view-source|ws|wss|ms-[a-z0-9-]*):'))",message="a redirect URI must be https, http on 127.0.0.1, [::1] or localhost, or of a private-use scheme like com.example.app:/callback (RFC 8252), or one that the AuthorizationServer permits (registration.privateUseSchemes)"
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[]!$%&-;=?-[_a-z~]+$')",message="a redirect URI must have no fragment and no character that must be percent-encoded"
	// +optional
	PostLogoutRedirectURIs []string `json:"postLogoutRedirectURIs,omitempty"`

	// pkce says whether authorization requests need PKCE (RFC 7636). Optional is
	// for old confidential web apps that cannot send it, and in force only where
	// a NamespaceAccess permits it (clients.pkceOptional); the condition PKCEOptional
	// tells.
	// +kubebuilder:default=Required
	// +optional
	PKCE PKCEMode `json:"pkce,omitempty"`

	// authMethod is how the client authenticates at the token endpoint. Absent:
	// client_secret_basic for type Confidential, none for Public.
	// +optional
	AuthMethod AuthMethod `json:"authMethod,omitempty"`

	// scopes the client wants. Which of them it has, and why not, is told in
	// status.scopes: a ScopePolicy must allow each.
	// +listType=set
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[\x21\x23-\x5B\x5D-\x7E]+$`
	// +optional
	Scopes []string `json:"scopes,omitempty"`

	// resources (RFC 8707) the client wants tokens for; each becomes `aud`. The
	// first is the default: a token request without `resource` is for it. Absent:
	// the server's default resource. The scopes of OpenID Connect count for a resource
	// only beside a granted scope of it; alone they are for the issuer. The issuer and
	// the API server's audiences are reserved.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a == b))",message="resources must not list a resource twice"
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=512
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z][a-z0-9+.-]*:[]!$%&-;=?-[_a-z~]+$') && isURL(self)",message="a resource must be an absolute URI without a fragment (RFC 8707, Section 2), its scheme in lower case"
	// +kubebuilder:validation:items:XValidation:rule="!self.startsWith('https://kubernetes.default.svc')",message="a resource below https://kubernetes.default.svc is reserved: tokens for it would open the Kubernetes API; choose the URI of your own API"
	// +optional
	Resources []string `json:"resources,omitempty"`

	// users says which users may use the client. Absent: everyone who can sign in.
	// +optional
	Users *ClientUsers `json:"users,omitempty"`

	// tokens shortens how long the client's tokens live.
	// +optional
	Tokens *ClientTokens `json:"tokens,omitempty"`

	// credentials says how the client's credentials are handed out.
	// +kubebuilder:default={}
	// +optional
	Credentials CredentialsSpec `json:"credentials,omitzero"`

	// deletionPolicy says what becomes of the registration when this object goes.
	// Orphan needs a NamespaceAccess that permits it (clients.orphan).
	// +kubebuilder:default=Delete
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// disabled refuses the client everywhere, at once, and keeps its credentials.
	// +optional
	Disabled bool `json:"disabled,omitempty"`
}

// ClientUsers says which users may use a client.
type ClientUsers struct {
	// allow lists the users who may use the client. A user must match one entry. A user
	// who matches none sees a page that says so, and the client gets access_denied. Tokens
	// that such a user has are inactive, and are not refreshed. Of local users the groups
	// and roles of now count, of users of OpenID providers those of the sign-in.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.size() > 0",message="allow must have at least one entry; remove users to allow everyone"
	// +required
	Allow []AllowedUsers `json:"allow"`
}

// AllowedUsers are users by their groups and roles. A user must meet each of groups and
// roles that is set, by any one of what it lists.
// +kubebuilder:validation:XValidation:rule="has(self.groups) || has(self.roles)",message="an entry of allow must have groups or roles"
type AllowedUsers struct {
	// groups of which the user must be in one.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +optional
	Groups []string `json:"groups,omitempty"`

	// roles of which the user must hold one.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +optional
	Roles []string `json:"roles,omitempty"`
}

// ClientTokens shortens how long a client's tokens live. A value that is longer
// than the server's has no effect.
// +kubebuilder:validation:XValidation:rule="!has(self.refreshTokenLifetime) || !has(self.refreshTokenIdleLifetime) || duration(self.refreshTokenIdleLifetime) <= duration(self.refreshTokenLifetime)",message="refreshTokenIdleLifetime must not be longer than refreshTokenLifetime"
type ClientTokens struct {
	// accessTokenLifetime is how long an access token is valid.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('24h')",message="accessTokenLifetime must be a duration in h, m and s between 1m and 24h, such as 90m"
	// +optional
	AccessTokenLifetime *metav1.Duration `json:"accessTokenLifetime,omitempty"`

	// refreshTokenLifetime is how long after the sign-in refresh tokens are good.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="refreshTokenLifetime must be a duration in h, m and s between 1m and 8760h, such as 90m"
	// +optional
	RefreshTokenLifetime *metav1.Duration `json:"refreshTokenLifetime,omitempty"`

	// refreshTokenIdleLifetime is how long after its last use a refresh token is
	// good.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="refreshTokenIdleLifetime must be a duration in h, m and s between 1m and 8760h, such as 90m"
	// +optional
	RefreshTokenIdleLifetime *metav1.Duration `json:"refreshTokenIdleLifetime,omitempty"`
}

// OAuthClientStatus is what the operator observed.
type OAuthClientStatus struct {
	// observedGeneration is the generation of the spec that the conditions tell of;
	// -1 until the operator has seen the object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Ready and ScopesGranted; PKCEOptional where spec.pkce asks for
	// the exception; and, only while true, Reconciling and Stalled.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// serverRef is the AuthorizationServer as resolved.
	// +optional
	ServerRef *ServerReference `json:"serverRef,omitempty"`

	// clientID is the client identifier at the server.
	// +kubebuilder:validation:MaxLength=255
	// +optional
	ClientID string `json:"clientID,omitempty"`

	// credentialsSecret is the name of the Secret that holds the credentials.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	CredentialsSecret string `json:"credentialsSecret,omitempty"`

	// secretIssued is when the current client secret was made.
	// +optional
	SecretIssued *metav1.Time `json:"secretIssued,omitempty"`

	// previousSecretExpires is until when the previous client secret is valid;
	// absent when there is none.
	// +optional
	PreviousSecretExpires *metav1.Time `json:"previousSecretExpires,omitempty"`

	// access names NamespaceAccesses that match the namespace and say something about
	// clients, at most 8, in the order of their names. They lie in the namespace of the
	// AuthorizationServer. Empty where the AuthorizationServer has no NamespaceAccess.
	// +listType=set
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=253
	// +optional
	Access []string `json:"access,omitempty"`

	// scopes tells of each scope asked for whether it is granted, and why not.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=100
	// +optional
	Scopes []ScopeResult `json:"scopes,omitempty"`

	// handledRotateSecret is the last value of the annotation
	// oauth.clientele.dev/rotate-secret that was acted on.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	HandledRotateSecret string `json:"handledRotateSecret,omitempty"`
}

// ScopeResult tells whether a client has a scope, and why.
type ScopeResult struct {
	// name of the scope.
	// +kubebuilder:validation:MaxLength=128
	// +required
	Name string `json:"name"`

	// granted is true if the client may have the scope for at least one of its
	// resources.
	// +required
	Granted bool `json:"granted"`

	// resources the scope is granted for. A scope of OpenID Connect is granted for the
	// issuer, and for other resources beside a granted scope of theirs.
	// +listType=set
	// +kubebuilder:validation:MaxItems=17
	// +optional
	Resources []string `json:"resources,omitempty"`

	// policy, as `<namespace>/<name>`, is the ScopePolicy that decided; absent
	// if no policy declares the scope.
	// +kubebuilder:validation:MaxLength=317
	// +optional
	Policy string `json:"policy,omitempty"`

	// reason is one of the ScopeReason constants.
	// +kubebuilder:validation:MaxLength=64
	// +required
	Reason string `json:"reason"`

	// message says the reason for a person.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`
}

// OAuthClient is an OAuth client: a program that gets tokens from an
// AuthorizationServer.
//
// +kubebuilder:object:root=true
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 190",message="metadata.name must have at most 190 characters: it becomes part of the client id"
// +kubebuilder:validation:XValidation:rule="(has(self.spec.serverRef) && has(self.spec.serverRef.__namespace__)) ? ((has(oldSelf.spec.serverRef) && has(oldSelf.spec.serverRef.__namespace__)) ? self.spec.serverRef.__namespace__ == oldSelf.spec.serverRef.__namespace__ : (has(oldSelf.status) && has(oldSelf.status.serverRef) && has(oldSelf.status.serverRef.__namespace__) && self.spec.serverRef.__namespace__ == oldSelf.status.serverRef.__namespace__)) : !(has(oldSelf.spec.serverRef) && has(oldSelf.spec.serverRef.__namespace__))",message="serverRef is immutable: its namespace may be added later only as status.serverRef has it, and not be changed or removed"
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=oac,categories=clientele
// +kubebuilder:printcolumn:name="Client ID",type=string,JSONPath=`.status.clientID`
// +kubebuilder:printcolumn:name="Server",type=string,priority=1,JSONPath=`.status.serverRef.name`
// +kubebuilder:printcolumn:name="Type",type=string,priority=1,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Secret",type=string,JSONPath=`.status.credentialsSecret`
// +kubebuilder:printcolumn:name="Previous secret until",type=string,priority=1,JSONPath=`.status.previousSecretExpires`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Scopes",type=string,JSONPath=`.status.conditions[?(@.type=="ScopesGranted")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type OAuthClient struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the app team asks for.
	// +kubebuilder:default={}
	// +optional
	Spec OAuthClientSpec `json:"spec,omitzero"`

	// status is what the operator observed.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status OAuthClientStatus `json:"status,omitzero"`
}

// OAuthClientList is a list of OAuthClients.
//
// +kubebuilder:object:root=true
type OAuthClientList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []OAuthClient `json:"items"`
}
