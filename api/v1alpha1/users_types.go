package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// UsersSpec says how people sign in.
// +kubebuilder:validation:XValidation:rule="has(self.local) || (has(self.upstreams) && self.upstreams.size() > 0)",message="users must have local, or at least one of upstreams"
type UsersSpec struct {
	// local are users of our own.
	// +optional
	Local *LocalUsers `json:"local,omitempty"`

	// upstreams are OpenID providers to sign in at.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Upstreams []Upstream `json:"upstreams,omitempty"`

	// lockout bounds the guessing of passwords. Whoever tries more is refused,
	// with the right password too, until the window is over.
	// +optional
	Lockout *Lockout `json:"lockout,omitempty"`
}

// Lockout says how many wrong passwords there may be in a window. What counts as
// one address is an IPv4 address, or the /64 of an IPv6 one; behind a proxy see
// trustedProxies.
// +kubebuilder:validation:XValidation:rule="(has(self.perUserAndAddress) ? self.perUserAndAddress : 10) <= (has(self.perUser) ? self.perUser : 100) && (has(self.perUserAndAddress) ? self.perUserAndAddress : 10) <= (has(self.perAddress) ? self.perAddress : 100)",message="perUserAndAddress (10 if absent) must not exceed perUser or perAddress (100 if absent): somebody at one address could lock a user out everywhere, or everybody there"
type Lockout struct {
	// perUserAndAddress is for one user from one address: the limit that people
	// meet. A right password starts it again. Absent: 10.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	// +optional
	PerUserAndAddress int32 `json:"perUserAndAddress,omitempty"`

	// perUser is for one user from everywhere, against guesses that are spread
	// over many addresses. Absent: 100.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	PerUser int32 `json:"perUser,omitempty"`

	// perAddress is for all users from one address, against one password that is
	// tried on many. Absent: 100.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	PerAddress int32 `json:"perAddress,omitempty"`

	// window that is counted in. Absent: 15m.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(h|m|s|ms)){1,4}$') && duration(self) >= duration('1m') && duration(self) <= duration('24h')",message="window must be a duration in h, m and s between 1m and 24h, such as 90m"
	// +optional
	Window *metav1.Duration `json:"window,omitempty"`
}

// LocalUsers are users in a Secret.
type LocalUsers struct {
	// secretRef is the Secret with the users, as YAML: see `clientele
	// hash-password`. Key absent: users.yaml. The server's Role must name it. Whoever
	// is disabled there, or given another passwordHash, is signed out for good; whoever
	// is missing is refused while that is so.
	// +required
	SecretRef SecretKeyReference `json:"secretRef"`
}

// SecretKeyReference names a key of a Secret beside the AuthorizationServer.
type SecretKeyReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// +required
	Name string `json:"name"`

	// key in the Secret. What is taken where it is absent is said there.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	Key string `json:"key,omitempty"`
}

// Upstream is an OpenID provider that people may sign in at. It must know our
// callback, `<issuer>/oauth/callback/<name>`.
type Upstream struct {
	// name of the provider, in the path of our callback.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="self.matches('^[a-z0-9-]+$') && self != 'local'",message="name must be of the characters a-z 0-9 -, and not local, which means the local users"
	// +required
	Name string `json:"name"`

	// displayName is on the button. Absent: name.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	DisplayName string `json:"displayName,omitempty"`

	// issuer of the provider, character for character as its discovery document
	// has it: https, or http on loopback.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="isURL(self) && url(self).getHostname() != '' && !self.contains('?') && !self.contains('#') && !self.contains('@') && (url(self).getScheme() == 'https' || (url(self).getScheme() == 'http' && url(self).getHostname() in ['127.0.0.1', '[::1]', '::1', 'localhost']))",message="issuer must be an https URL without query, fragment or user name (http is allowed on 127.0.0.1, ::1 and localhost only)"
	// +required
	Issuer string `json:"issuer"`

	// clientID is ours at the provider.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +required
	ClientID string `json:"clientID"`

	// clientSecretRef is the Secret with our client secret at the provider. Key
	// absent: client_secret. Absent: we are a public client there. The server's
	// Role must name it.
	// +optional
	ClientSecretRef *SecretKeyReference `json:"clientSecretRef,omitempty"`

	// scopes to ask for; openid is always. Absent: openid, profile, email.
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	// +kubebuilder:validation:items:Pattern=`^[\x21\x23-\x5B\x5D-\x7E]+$`
	// +optional
	Scopes []string `json:"scopes,omitempty"`

	// userInfo reads the claims of the UserInfo endpoint too, for providers whose
	// ID tokens are lean.
	// +optional
	UserInfo bool `json:"userInfo,omitempty"`

	// claims says which claims say what about a person.
	// +optional
	Claims *UpstreamClaims `json:"claims,omitempty"`

	// allow says who may sign in with an account of this provider. Absent: everyone
	// who has one. It is checked at each sign-in; a change signs nobody out.
	// +optional
	Allow *UpstreamAllow `json:"allow,omitempty"`
}

// UpstreamAllow says who may sign in with an account of a provider. A person must
// meet each of domains, claims and groups that is set, by any one of its entries. A
// person who is not allowed sees a page that says so, and nothing is stored about them.
// +kubebuilder:validation:XValidation:rule="has(self.domains) || has(self.claims) || has(self.groups)",message="allow must have at least one of domains, claims and groups; leave it out to allow everyone"
type UpstreamAllow struct {
	// domains of the person's e-mail address, which the provider must call verified.
	// Names below a domain are not included.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",message="a domain must be a host name in lower case, such as corp.example, without @ or *"
	// +optional
	Domains []string `json:"domains,omitempty"`

	// claims that must have one of the values listed for them, such as `hd` of Google.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +optional
	Claims []AllowedClaim `json:"claims,omitempty"`

	// groups of which the person must be in one, by the claim that claims.groups of
	// this provider names.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +optional
	Groups []string `json:"groups,omitempty"`

	// contact is shown to people who are not allowed: whom they can ask for access,
	// such as it-help@corp.example. Absent: the page says the team that runs this service.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1F\x7F]+$`
	// +optional
	Contact string `json:"contact,omitempty"`
}

// AllowedClaim is a claim and the values that are allowed.
type AllowedClaim struct {
	// name of the claim. A dot goes into an object, as in org.department, where no
	// claim has the whole name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +required
	Name string `json:"name"`

	// values of which the claim must have one. A claim that is a list must contain
	// one; true and false are written as text.
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +required
	Values []string `json:"values"`
}

// UpstreamClaims names claims. A dot goes into an object, as in
// realm_access.roles, where no claim has the whole name. The subject is always
// `sub`.
type UpstreamClaims struct {
	// username. Absent: preferred_username.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Username string `json:"username,omitempty"`

	// name. Absent: name.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Name string `json:"name,omitempty"`

	// email. Absent: email.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Email string `json:"email,omitempty"`

	// emailVerified. Absent: email_verified.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	EmailVerified string `json:"emailVerified,omitempty"`

	// groups. Absent: groups.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Groups string `json:"groups,omitempty"`

	// roles, by which ScopePolicies decide. Absent: none are taken over.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Roles string `json:"roles,omitempty"`

	// tenant, which becomes the claim `tenant` of access tokens. Absent: none is
	// taken over.
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Tenant string `json:"tenant,omitempty"`
}
