// Package policy decides whether a client, and its user, may have a scope. It is pure: the
// controller asks it for an OAuthClient's status, the server at every grant, so
// what the status says is what the server does.
//
// What nobody allows is not granted (default deny). The one exception are the
// scopes of OpenID Connect (oauth.IdentityScopes), which are about the user and
// not about an API: the server itself grants them, to users only, unless a policy
// declares a scope of that name for its own resource.
//
//	policy.go     a policy on the wire
//	validate.go   the validator of a policy, and of its selectors
//	digest.go     normal form and digest of a policy
//	selector.go   label selectors
//	set.go        all policies together: whose resource and whose scope it is
//	decide.go     may this client have this scope? (the server's hot path)
//	user.go       and this user? which scopes are about users
//	reserved.go   resources that no policy may declare and no client may list
//	self_registered.go what is open to clients that registered themselves
//	introspect.go who may introspect
//	prefix.go     which resources a prefix covers
package policy

import "clientele.dev/clientele/authserver/oauth"

// Policy is a ScopePolicy as it is pushed to the server: the body of
// PUT /registrar/v1/resources/{uid}.
type Policy struct {
	UID       string `json:"uid"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Cluster the policy lives in; the server derives it from the caller.
	Cluster string `json:"cluster,omitempty"`
	// Created, in Unix seconds, breaks ties between two declarations of the same
	// scope: the older one stands, then the lower uid.
	Created int64 `json:"created"`
	// Generation of the ScopePolicy; the server refuses a lower one.
	Generation int64 `json:"generation"`
	// Resource (RFC 8707) the scopes belong to.
	Resource string  `json:"resource"`
	Scopes   []Scope `json:"scopes"`
	Allow    []Rule  `json:"allow,omitempty"`
	// ResourceServers are the OAuthClients, in the policy's cluster, that may
	// introspect tokens for the resource (RFC 7662).
	ResourceServers []ResourceServer `json:"resource_servers,omitempty"`
}

// Scope declares one scope of a resource.
type Scope struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// MaxAccessTokenLifetime in seconds; 0: no limit of its own.
	MaxAccessTokenLifetime int64 `json:"max_access_token_lifetime,omitempty"`
	// Roles of which a user must hold one to have the scope; empty: any user.
	// They say nothing about tokens that are for no user, which GrantableTo must name
	// beside them.
	Roles []string `json:"roles,omitempty"`
	// GrantableTo says who may have the scope; empty: users and, unless Roles are given,
	// clients.
	GrantableTo []Grantee `json:"grantable_to,omitempty"`
}

// Grantee is a kind of subject that a scope is granted to.
type Grantee string

// The grantees.
const (
	// Users: through an app that acts for them (authorization code).
	Users Grantee = "users"
	// Clients: for themselves (client credentials).
	Clients Grantee = "clients"
)

// ResourceServer names an OAuthClient by its object, for a client id could change
// hands.
type ResourceServer struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Rule allows scopes to clients. It is either about OAuthClients, which the first
// three members choose, or, if SelfRegistered, about clients that registered themselves;
// never about both, so that no rule is opened to strangers by accident.
type Rule struct {
	// Namespaces by name; used for the policy's own namespace. Namespaces and
	// NamespaceSelector both empty: every namespace.
	Namespaces []string `json:"namespaces,omitempty"`
	// NamespaceSelector by labels; nil: every namespace (or those in Namespaces).
	NamespaceSelector *Selector `json:"namespace_selector,omitempty"`
	// ClientSelector by the OAuthClient's labels; nil: every client.
	ClientSelector *Selector `json:"client_selector,omitempty"`
	Scopes         []string  `json:"scopes"`
	// GrantTypes with which the rule holds; empty: each. A rule for
	// authorization_code holds for refresh_token too, which only continues it.
	GrantTypes []oauth.GrantType `json:"grant_types,omitempty"`
	// SelfRegistered: the rule is about clients that registered themselves (RFC 7591);
	// they have neither namespace nor labels to choose by.
	SelfRegistered bool `json:"self_registered,omitempty"`
}

// Selector is a label selector with the meaning, and the JSON, of Kubernetes'
// metav1.LabelSelector.
type Selector struct {
	MatchLabels      map[string]string `json:"matchLabels,omitempty"`
	MatchExpressions []Requirement     `json:"matchExpressions,omitempty"`
}

// Requirement is one expression of a Selector. Operator is In, NotIn, Exists or
// DoesNotExist; any other matches nothing.
type Requirement struct {
	Key      string   `json:"key"`
	Operator string   `json:"operator"`
	Values   []string `json:"values,omitempty"`
}
