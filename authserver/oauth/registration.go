package oauth

// Registration is a client's metadata on the wire of dynamic registration: the
// request body of RFC 7591, Section 3.1 and of RFC 7592, Section 2.2, and a part
// of the response of RFC 7591, Section 3.2.1.
//
// Members that this server does not know are ignored (RFC 7591, Section 2).
type Registration struct {
	// ClientID is in a request only where a registrar names the id, or in RFC
	// 7592 updates, where it must equal the id in the URL.
	ClientID string `json:"client_id,omitempty"`
	// ClientName is for people.
	ClientName string `json:"client_name,omitempty"`
	// GrantTypes the client will use. Absent in a request: authorization_code.
	GrantTypes []GrantType `json:"grant_types,omitempty"`
	// TokenEndpointAuthMethod is how the client authenticates. Absent in a
	// request: client_secret_basic.
	TokenEndpointAuthMethod AuthMethod `json:"token_endpoint_auth_method,omitempty"`
	// Scope is a space-separated list.
	Scope string `json:"scope,omitempty"`
	// RedirectURIs of the authorization code grant; see ParseRedirectURI.
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	// ResponseTypes the client will use. Absent: code, with the authorization
	// code grant.
	ResponseTypes []ResponseType `json:"response_types,omitempty"`
	// ApplicationType is web or native. Absent: by the redirect URIs.
	ApplicationType ApplicationType `json:"application_type,omitempty"`
	// PostLogoutRedirectURIs are where a user may be sent after signing out
	// (OpenID Connect RP-Initiated Logout 1.0, Section 3.1); the rules are those
	// of redirect URIs.
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	// ClientURI, LogoURI, PolicyURI, TOSURI and Contacts are for people (RFC
	// 7591, Section 2). The logo is a PNG, JPEG, GIF or WebP image of at most 256 KiB
	// and 2048 x 2048 pixels; pages show initials where there is no such (package logo).
	ClientURI string   `json:"client_uri,omitempty"`
	LogoURI   string   `json:"logo_uri,omitempty"`
	PolicyURI string   `json:"policy_uri,omitempty"`
	TOSURI    string   `json:"tos_uri,omitempty"`
	Contacts  []string `json:"contacts,omitempty"`
	// DefaultMaxAge, in seconds, is the max_age of requests that have none
	// (OpenID Connect Dynamic Client Registration 1.0, Section 2).
	DefaultMaxAge *int64 `json:"default_max_age,omitempty"`
	// Description, in a sentence, says what the app does. Ours.
	Description string `json:"clientele_description,omitempty"`
	// Managed holds the members that only a registrar may send.
	Managed *Managed `json:"clientele_managed,omitempty"`
}

// Managed is the part of a Registration that only a registrar (the operator, with
// RBAC verb manage on the AuthorizationServer) may send. Sent by anybody else it
// is refused.
type Managed struct {
	// Owner is the object the client belongs to. Registering is idempotent by
	// owner: a repeated POST returns the same client.
	Owner Owner `json:"owner"`
	// Counter grows with every change of the client's secrets. The server
	// refuses a request with a lower one than it has seen of the same owner.
	Counter int64 `json:"counter"`
	// Generation of the owner's spec. At equal counters the server refuses a
	// lower one of the same incarnation.
	Generation int64 `json:"generation"`
	// SecretHashes is the full set of secrets that are valid from now on:
	// lower-case hexadecimal SHA-256 (credential.Hash), at most four.
	SecretHashes []string `json:"secret_hashes"`
	// RegistrationTokenHash is the SHA-256, as above, of the registration access
	// token.
	RegistrationTokenHash string `json:"registration_token_hash"`
	// Resources (RFC 8707) the client may have tokens for. The first is the target
	// of a request that names none. Empty: the server's default resource.
	Resources []string `json:"resources,omitempty"`
	// AccessTokenLifetime in seconds shortens the server's. Zero: the server's.
	AccessTokenLifetime int64 `json:"access_token_lifetime,omitempty"`
	// RefreshTokenLifetime and RefreshTokenIdleLifetime, in seconds, shorten the
	// server's: how long after the user's consent, and how long after its last
	// use, a refresh token is good. Zero: the server's.
	RefreshTokenLifetime     int64 `json:"refresh_token_lifetime,omitempty"`
	RefreshTokenIdleLifetime int64 `json:"refresh_token_idle_lifetime,omitempty"`
	// Trusted says that the platform team runs the app, so that nobody is asked
	// for consent; see SkipsConsent.
	Trusted bool `json:"trusted,omitempty"`
	// PKCEOptional lets a confidential client do without PKCE: the one exception
	// for old web apps, which the platform team permits.
	PKCEOptional bool `json:"pkce_optional,omitempty"`
	// AllowedUsers says which users may use the client. Absent: everyone.
	AllowedUsers []AllowedUsers `json:"allowed_users,omitempty"`
	// OwnerDisplay is who runs the app, as the consent page says it. Empty: the
	// owner's namespace.
	OwnerDisplay string `json:"owner_display,omitempty"`
	// NamespaceLabels and ClientLabels are what ScopePolicies select by.
	NamespaceLabels map[string]string `json:"namespace_labels,omitempty"`
	ClientLabels    map[string]string `json:"client_labels,omitempty"`
	// Disabled refuses the client everywhere.
	Disabled bool `json:"disabled,omitempty"`
	// Orphaned says that the owner is gone and left the client behind
	// (deletion policy Orphan); the same namespace and name may adopt it.
	Orphaned bool `json:"orphaned,omitempty"`
	// Adopt is the uid of the orphaned incarnation that this one takes over,
	// with its secrets and tokens. Only in requests.
	Adopt string `json:"adopt,omitempty"`
}

// AllowedUsers are users by their groups and roles. A user must be in one of Groups, if
// any are listed, and must hold one of Roles, if any are listed.
type AllowedUsers struct {
	Groups []string `json:"groups,omitempty"`
	Roles  []string `json:"roles,omitempty"`
}

// Owner is the Kubernetes object that a managed client belongs to.
type Owner struct {
	// Cluster the owner lives in. The server derives it from the caller; what a
	// request says is ignored.
	Cluster   string `json:"cluster,omitempty"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// UID is the owner's incarnation.
	UID string `json:"uid"`
}

// RegistrationResponse is the client information response of RFC 7591, Section
// 3.2.1 and RFC 7592, Section 3.
type RegistrationResponse struct {
	Registration
	ClientIDIssuedAt int64 `json:"client_id_issued_at,omitempty"`
	// ClientSecret is sent only where the server made it; the operator's clients
	// bring their own.
	ClientSecret string `json:"client_secret,omitempty"`
	// ClientSecretExpiresAt is required beside a client_secret; 0: never.
	ClientSecretExpiresAt   *int64 `json:"client_secret_expires_at,omitempty"`
	RegistrationAccessToken string `json:"registration_access_token,omitempty"`
	RegistrationClientURI   string `json:"registration_client_uri,omitempty"`
	// Digest of the client as stored, StoreID and Revision are for registrars;
	// see ClientEntry.
	Digest   string `json:"clientele_digest,omitempty"`
	StoreID  string `json:"clientele_store_id,omitempty"`
	Revision int64  `json:"clientele_revision,omitempty"`
}

// ClientEntry is a managed client in the inventory.
type ClientEntry struct {
	ClientID string `json:"client_id"`
	Owner    Owner  `json:"owner"`
	// Digest is Registration.Digest of the client as it is stored now.
	Digest string `json:"digest"`
	// Deleted, in a change list, says that the client is gone.
	Deleted bool `json:"deleted,omitempty"`
}

// PolicyEntry is a scope policy in the inventory.
type PolicyEntry struct {
	// UID of the ScopePolicy.
	UID string `json:"uid"`
	// Digest is policy.Policy.Digest of the policy as it is stored now.
	Digest  string `json:"digest"`
	Deleted bool   `json:"deleted,omitempty"`
}

// Inventory is the answer of GET /registrar/v1/inventory (a page of all there is)
// and of GET /registrar/v1/changes (what changed since a revision).
type Inventory struct {
	// StoreID identifies the store; another one means that everything is to be
	// registered again.
	StoreID string `json:"store_id"`
	// Revision of the store that this answer is good for.
	Revision int64 `json:"revision"`
	// Complete says that the store holds everything that a registrar has to register; see
	// StoreComplete.
	Complete bool `json:"complete,omitempty"`
	// Reset, in a change list, says that the changes since the revision asked
	// for are not known any more: read the whole inventory.
	Reset    bool          `json:"reset,omitempty"`
	Clients  []ClientEntry `json:"clients,omitempty"`
	Policies []PolicyEntry `json:"policies,omitempty"`
	// Next is the page to ask for next; empty on the last.
	Next string `json:"next,omitempty"`
	// Users, in a change list, tells of the people who may sign in; nil: it is not
	// known.
	Users *UsersReport `json:"users,omitempty"`
	// Storage, in a change list, tells of the replica's storage; nil: it is not known.
	Storage *StorageReport `json:"storage,omitempty"`
}

// StoreComplete is the body of PUT /registrar/v1/complete: the registrar has registered at
// the store with this id everything that belongs there. Until then the server answers 503
// instead of 401 to a client id that it does not know.
type StoreComplete struct {
	StoreID string `json:"store_id"`
}

// Replica is a running server process, as GET /registrar/v1/replicas lists them.
type Replica struct {
	ID string `json:"id"`
	// KeySetRevision is keys.Set.Revision of the signing keys it serves.
	KeySetRevision string `json:"key_set_revision"`
	// ServingSince is when it began to serve that revision, in Unix seconds.
	ServingSince int64 `json:"serving_since"`
	// LeaseExpires is when it stops to answer unless it renews, in Unix seconds.
	LeaseExpires int64 `json:"lease_expires"`
	// Version of the program, for people.
	Version string `json:"version,omitempty"`
	// Protocol it speaks; absent: FirstProtocol.
	Protocol int `json:"protocol,omitempty"`
}

// ReplicaList is the answer of GET /registrar/v1/replicas.
type ReplicaList struct {
	StoreID  string    `json:"store_id"`
	Replicas []Replica `json:"replicas"`
}
