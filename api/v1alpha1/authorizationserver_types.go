package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AuthorizationServerType says who runs the authorization server.
// +kubebuilder:validation:Enum=Managed;Unmanaged
type AuthorizationServerType string

// The types of authorization servers.
const (
	// AuthorizationServerManaged is a `clientele server` that the operator runs.
	AuthorizationServerManaged AuthorizationServerType = "Managed"
	// AuthorizationServerUnmanaged is a `clientele server` that the operator neither
	// starts nor stops.
	AuthorizationServerUnmanaged AuthorizationServerType = "Unmanaged"
)

// AuthorizationServerSpec is what the platform team decides about an
// authorization server.
// +kubebuilder:validation:XValidation:rule="has(self.managed) == (self.type == 'Managed')",message="managed must be set if, and only if, type is Managed; managed: {} takes the defaults"
// +kubebuilder:validation:XValidation:rule="!has(self.unmanaged) || self.type == 'Unmanaged'",message="unmanaged must not be set unless type is Unmanaged"
// +kubebuilder:validation:XValidation:rule="self.type != 'Managed' || self.issuer.startsWith('https://')",message="issuer must be an https URL where type is Managed: the operator gives the server a certificate"
type AuthorizationServerSpec struct {
	// issuer is the issuer identifier (RFC 8414, Section 2): an https URL without
	// query, fragment or trailing slash; http is allowed on loopback only.
	// It cannot be changed, for every issued token names it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="issuer is immutable: every issued token names it; make a new AuthorizationServer instead"
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getHostname() != '' && (url(self).getScheme() == 'https' || (url(self).getScheme() == 'http' && url(self).getHostname() in ['127.0.0.1', '[::1]', '::1', 'localhost']))",message="issuer must be an https URL (http is allowed on 127.0.0.1, ::1 and localhost only)"
	// +kubebuilder:validation:XValidation:rule="!self.contains('?') && !self.contains('#') && !self.contains('@') && !self.endsWith('/') && self.matches('^https?://[]!$%&-;=?-[_a-z~]+$')",message="issuer must have no query, fragment, user name, white space or trailing slash, and its scheme in lower case"
	// +required
	Issuer string `json:"issuer"`

	// type says who runs the server. Managed: the operator does. Unmanaged: you run
	// `clientele server`; the operator registers clients there. It may change: to
	// Unmanaged, what the operator made goes on running, and is yours: its certificates
	// are no longer renewed. To Managed, the operator takes over what it made earlier.
	// +required
	Type AuthorizationServerType `json:"type"`

	// managed says how the operator runs a server of type Managed.
	// +optional
	Managed *ManagedServer `json:"managed,omitempty"`

	// unmanaged says how the operator reaches a server of type Unmanaged.
	// +optional
	Unmanaged *UnmanagedServer `json:"unmanaged,omitempty"`

	// defaultResource becomes `aud` when a token request names no resource
	// (RFC 8707, Section 2). Absent: the issuer. An OAuthClient without scopes and
	// resources gets the issuer always: for an API, a token without a scope would
	// get past its ScopePolicies.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z][a-z0-9+.-]*:[]!$%&-;=?-[_a-z~]+$') && isURL(self)",message="defaultResource must be an absolute URI without a fragment (RFC 8707, Section 2), its scheme in lower case"
	// +optional
	DefaultResource string `json:"defaultResource,omitempty"`

	// signing governs the keys that sign tokens.
	// +kubebuilder:default={}
	// +optional
	Signing SigningSpec `json:"signing,omitzero"`

	// tokens governs how long tokens live, and how long people stay signed in.
	// +kubebuilder:default={}
	// +optional
	Tokens TokensSpec `json:"tokens,omitzero"`

	// registration says who, beside the operator, may register clients (RFC 7591).
	// +kubebuilder:default={}
	// +optional
	Registration RegistrationSpec `json:"registration,omitzero"`

	// trustedProxies are the networks of the proxies in front of the server, such as
	// an ingress. The server believes the X-Forwarded-For of these and no others; its
	// limits and its audit log go by that address. Absent: by the address that is
	// connected.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self) && cidr(self).prefixLength() > 0",message="a trusted proxy must be a network such as 10.1.2.0/28, or 10.1.2.3/32 for one address, and not the whole internet: anyone could then claim any address"
	// +optional
	TrustedProxies []string `json:"trustedProxies,omitempty"`

	// outboundAllow are networks, beside the public internet, that the server may
	// fetch clients' logos from. Upstream OpenID providers may be in private networks
	// anyway. Link-local addresses and metadata services of clouds are never asked.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	// +kubebuilder:validation:items:XValidation:rule="isCIDR(self) && cidr(self).masked() in [cidr(self)]",message="outboundAllow must list networks without bits behind their length, such as 10.1.0.0/16 or fd12:3456::/32"
	// +kubebuilder:validation:items:XValidation:rule="!isCIDR(self) || !['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::/32', 'fd00:c1::a9fe:a9fe/128', 'fd00:42::42/128', 'fd20:ce::254/128', '100.100.100.200/32', '168.63.129.16/32', '192.0.0.192/32', '0.0.0.0/8', '::/128', '224.0.0.0/4', 'ff00::/8', '240.0.0.0/4'].exists(n, cidr(n).containsCIDR(cidr(self)))",message="outboundAllow must not list link-local, multicast or reserved networks, nor metadata services of clouds: they are never permitted"
	// +optional
	OutboundAllow []string `json:"outboundAllow,omitempty"`

	// users says how people sign in. Absent: nobody does.
	// +optional
	Users *UsersSpec `json:"users,omitempty"`
}

// UnmanagedServer says how the operator reaches a `clientele server` it does
// not run itself.
type UnmanagedServer struct {
	// url is where the operator reaches the server, if that differs from the
	// issuer (a cluster-internal address, say): https, or http on loopback.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getHostname() != '' && (url(self).getScheme() == 'https' || (url(self).getScheme() == 'http' && url(self).getHostname() in ['127.0.0.1', '[::1]', '::1', 'localhost']))",message="url must be an https URL (http is allowed on 127.0.0.1, ::1 and localhost only)"
	// +optional
	URL string `json:"url,omitempty"`

	// registrarURL is where the operator reaches the registrar API, if the server has
	// a port of its own for that (its flag --registrar-address): https, or http on
	// loopback. Absent: as url.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getHostname() != '' && (url(self).getScheme() == 'https' || (url(self).getScheme() == 'http' && url(self).getHostname() in ['127.0.0.1', '[::1]', '::1', 'localhost']))",message="registrarURL must be an https URL (http is allowed on 127.0.0.1, ::1 and localhost only)"
	// +optional
	RegistrarURL string `json:"registrarURL,omitempty"`

	// caBundleRef names the PEM certificates that the server's certificates must chain
	// to. A change is used at once. Absent: the system's roots.
	// +optional
	CABundleRef *CABundleReference `json:"caBundleRef,omitempty"`
}

// TokensSpec governs how long tokens live, and how long people stay signed in.
// +kubebuilder:validation:XValidation:rule="!has(self.refreshTokenIdleLifetime) || duration(self.refreshTokenIdleLifetime) <= duration(self.refreshTokenLifetime)",message="refreshTokenIdleLifetime must not be longer than refreshTokenLifetime"
// +kubebuilder:validation:XValidation:rule="!has(self.sessionIdleLifetime) || duration(self.sessionIdleLifetime) <= duration(self.sessionLifetime)",message="sessionIdleLifetime must not be longer than sessionLifetime"
type TokensSpec struct {
	// accessTokenLifetime is how long an access token is valid. OAuthClients and
	// ScopePolicies may only shorten it.
	// +kubebuilder:default="15m0s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('24h')",message="accessTokenLifetime must be a duration in h, m and s between 1m and 24h, such as 90m"
	// +optional
	AccessTokenLifetime metav1.Duration `json:"accessTokenLifetime,omitzero"`

	// refreshTokenLifetime is how long after the sign-in refresh tokens are good,
	// however often they are used. OAuthClients may only shorten it.
	// +kubebuilder:default="720h0m0s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="refreshTokenLifetime must be a duration in h, m and s between 1m and 8760h, such as 90m"
	// +optional
	RefreshTokenLifetime metav1.Duration `json:"refreshTokenLifetime,omitzero"`

	// refreshTokenIdleLifetime is how long after its last use a refresh token is
	// good. Absent: refreshTokenLifetime.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('8760h')",message="refreshTokenIdleLifetime must be a duration in h, m and s between 1m and 8760h, such as 90m"
	// +optional
	RefreshTokenIdleLifetime *metav1.Duration `json:"refreshTokenIdleLifetime,omitempty"`

	// codeLifetime is how long an authorization code is good.
	// +kubebuilder:default="1m0s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('10s') && duration(self) <= duration('10m')",message="codeLifetime must be a duration in h, m and s between 10s and 10m, such as 90m"
	// +optional
	CodeLifetime metav1.Duration `json:"codeLifetime,omitzero"`

	// refreshRetryWindow is how long a refresh token that was used gives its
	// successor once more, for an app that lost the answer. Later it ends the
	// whole family.
	// +kubebuilder:default="30s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1s') && duration(self) <= duration('5m')",message="refreshRetryWindow must be a duration in h, m and s between 1s and 5m, such as 90m"
	// +optional
	RefreshRetryWindow metav1.Duration `json:"refreshRetryWindow,omitzero"`

	// sessionLifetime is how long after the sign-in a browser stays signed in here,
	// however often that is used. Of sessions that have begun it can become shorter,
	// not longer. Up to 12h most browsers forget it when they are closed, which is
	// right on a computer that somebody else uses next; with more they stay signed
	// in when they are opened again.
	// +kubebuilder:default="12h0m0s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('5m') && duration(self) <= duration('8760h')",message="sessionLifetime must be a duration in h, m and s between 5m and 8760h, such as 90m"
	// +optional
	SessionLifetime metav1.Duration `json:"sessionLifetime,omitzero"`

	// sessionIdleLifetime is how long after its last use, to the minute, a browser
	// stays signed in: used is a session when an app sends the person here, and on
	// our own pages, not when apps refresh tokens. It counts for sessions that have
	// begun, too. Absent: sessionLifetime.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('5m') && duration(self) <= duration('8760h')",message="sessionIdleLifetime must be a duration in h, m and s between 5m and 8760h, such as 90m"
	// +optional
	SessionIdleLifetime *metav1.Duration `json:"sessionIdleLifetime,omitempty"`
}

// AuthorizationServerStatus is what the operator observed.
type AuthorizationServerStatus struct {
	// observedGeneration is the generation of the spec that the conditions tell of;
	// -1 until the operator has seen the object.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Ready, ServerReachable, SigningKeysReady, DeregistrationPaused;
	// with type Managed, CertificateReady, StorageReady, Deployed; with spec.users,
	// UsersReady; and, only while true, Reconciling and Stalled.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// endpoints as the server's metadata tells them.
	// +optional
	Endpoints *ServerEndpoints `json:"endpoints,omitempty"`

	// caBundle holds, in PEM, the certificates that apps need to verify the server at
	// its issuer's URL. OAuthClients get it in their credentials Secret as ca.crt.
	// Absent: apps need none beside the system's roots, or the operator does not know.
	// +kubebuilder:validation:MaxLength=131072
	// +optional
	CABundle string `json:"caBundle,omitempty"`

	// managed is what the operator observed of a server of type Managed.
	// +optional
	Managed *ManagedServerStatus `json:"managed,omitempty"`

	// storeID identifies the server's store; a new one means that the server
	// lost its registrations and gets them again.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	StoreID string `json:"storeID,omitempty"`

	// signingKeys, the active one first.
	// +listType=map
	// +listMapKey=kid
	// +kubebuilder:validation:MaxItems=32
	// +optional
	SigningKeys []SigningKeyStatus `json:"signingKeys,omitempty"`

	// clients counts the OAuthClients registered here.
	// +optional
	Clients int64 `json:"clients,omitempty"`

	// selfRegistered counts the clients that registered themselves (RFC
	// 7591), as of a minute ago at most.
	// +optional
	SelfRegistered int64 `json:"selfRegistered,omitempty"`

	// policies counts the ScopePolicies in force here.
	// +optional
	Policies int64 `json:"policies,omitempty"`

	// handledRotateKeys is the last value of the annotation
	// oauth.clientele.dev/rotate-signing-keys that was acted on.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	HandledRotateKeys string `json:"handledRotateKeys,omitempty"`
}

// ServerEndpoints are the URLs of the server's endpoints (RFC 8414, Section 2).
type ServerEndpoints struct {
	// token is the token endpoint.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Token string `json:"token,omitempty"`

	// jwks is the JWK Set.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	JWKS string `json:"jwks,omitempty"`

	// registration is the client registration endpoint.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Registration string `json:"registration,omitempty"`

	// revocation is the token revocation endpoint.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Revocation string `json:"revocation,omitempty"`

	// introspection is the token introspection endpoint.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Introspection string `json:"introspection,omitempty"`

	// authorization is the authorization endpoint; it is there where people sign
	// in, as those below.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Authorization string `json:"authorization,omitempty"`

	// pushedAuthorizationRequest is the endpoint of RFC 9126.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	PushedAuthorizationRequest string `json:"pushedAuthorizationRequest,omitempty"`

	// userinfo is the UserInfo endpoint of OpenID Connect.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Userinfo string `json:"userinfo,omitempty"`
}

// AuthorizationServer is an OAuth 2.1 authorization server that OAuthClients
// are registered at.
//
// +kubebuilder:object:root=true
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name must have at most 63 characters: it becomes a label's value"
// +kubebuilder:validation:XValidation:rule="self.spec.type != 'Managed' || (self.metadata.name.size() <= 43 && !self.metadata.name.contains('.'))",message="metadata.name must have at most 43 characters and no dot where type is Managed: it becomes a part of the names of Services and Pods"
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=oas,categories=clientele
// +kubebuilder:printcolumn:name="Type",type=string,JSONPath=`.spec.type`
// +kubebuilder:printcolumn:name="Issuer",type=string,JSONPath=`.spec.issuer`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Replicas",type=integer,JSONPath=`.status.managed.readyReplicas`
// +kubebuilder:printcolumn:name="Users",type=string,JSONPath=`.status.conditions[?(@.type=="UsersReady")].reason`
// +kubebuilder:printcolumn:name="Clients",type=integer,JSONPath=`.status.clients`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Version",type=string,priority=1,JSONPath=`.status.managed.version`
// +kubebuilder:printcolumn:name="Storage",type=string,priority=1,JSONPath=`.spec.managed.storage.type`
// +kubebuilder:printcolumn:name="Message",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].message`
type AuthorizationServer struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the platform team decides.
	// +required
	Spec AuthorizationServerSpec `json:"spec"`

	// status is what the operator observed.
	// +kubebuilder:default={"observedGeneration":-1}
	// +optional
	Status AuthorizationServerStatus `json:"status,omitzero"`
}

// AuthorizationServerList is a list of AuthorizationServers.
//
// +kubebuilder:object:root=true
type AuthorizationServerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []AuthorizationServer `json:"items"`
}
