package grant

import (
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
)

// Rights answers what a client may have: which resource, which of the scopes,
// for how long. It is shared by all grants.
type Rights struct {
	// Policies returns the policies in force; it must not block.
	Policies func() *policy.Set
	cache    cache
}

// Ask is one question to Rights.
type Ask struct {
	Client *registry.Client
	Grant  oauth.GrantType
	// Resource and Scope asked for; empty: what the client is entitled to.
	Resource, Scope string
	Terms           *Terms
}

// Right is what a client may have.
type Right struct {
	Resource string
	Scope    string // space-separated
	Lifetime time.Duration
}

// Resolve answers a question; the error is an *oauth.Error (invalid_target or
// invalid_scope) that names what is wrong.
func (r *Rights) Resolve(a Ask) (Right, error) {
	policies := r.Policies()
	key := cacheKey{a.Client, policies, a.Terms, a.Grant, a.Resource, a.Scope}
	if right, ok := r.cache.get(key); ok {
		return right, nil
	}
	right, err := resolve(policies, a)
	if err == nil {
		r.cache.put(key, right)
	}
	return right, err
}

func resolve(policies *policy.Set, a Ask) (Right, error) {
	resource, err := Target(policies, a.Client, a.Resource, a.Terms)
	if err != nil {
		return Right{}, err
	}
	scopes, lifetime, err := scopes(policies, a, resource)
	if err != nil {
		return Right{}, err
	}
	return Right{Resource: resource, Scope: oauth.JoinScope(scopes), Lifetime: accessLifetime(a.Client, a.Terms, lifetime)}, nil
}

// accessLifetime is the shortest of what the server, the scopes (0: no limit) and
// the client say.
func accessLifetime(c *registry.Client, terms *Terms, scopes time.Duration) time.Duration {
	lifetime := shorter(terms.AccessTokenLifetime, scopes)
	if m := c.Managed; m != nil {
		lifetime = shorter(lifetime, time.Duration(m.AccessTokenLifetime)*time.Second)
	}
	return lifetime
}

// shorter returns the shorter of two lifetimes; b of 0 is no limit.
func shorter(a, b time.Duration) time.Duration {
	if b > 0 && b < a {
		return b
	}
	return a
}

// Target checks the resource asked for, or picks the default (RFC 8707, Section
// 2). A client that registered itself lists no resources: it may name the default
// one, and those whose policies are open to such clients. A declared client without
// resources and scopes has nothing to do at an API, so that its default is the server
// itself; one that registered itself without scopes means all that policies let such
// clients have. The error is an invalid_target.
func Target(policies *policy.Set, c *registry.Client, asked string, terms *Terms) (string, error) {
	var registered []string
	if m := c.Managed; m != nil {
		registered = m.Resources
	}
	if asked == "" && c.Managed != nil && len(registered) == 0 && len(c.Scopes) == 0 {
		return terms.Issuer, nil
	}
	if asked == "" {
		return oauth.DefaultTarget(registered, terms.DefaultResource), nil
	}
	if err := oauth.ValidResource(asked); err != nil {
		return "", oauth.InvalidTarget("resource must be an absolute URI without a fragment (RFC 8707, Section 2)").WithCause(err)
	}
	if contains(oauth.EffectiveResources(registered, terms.DefaultResource), asked) {
		return asked, nil
	}
	if c.Managed == nil && policies.SelfRegisteredResource(asked) {
		return asked, nil
	}
	return "", oauth.InvalidTarget("the resource is not registered for this client")
}

// scopes returns what is granted for the resource, and the shortest lifetime
// that one of the scopes asks for (0: none does).
func scopes(policies *policy.Set, a Ask, resource string) ([]string, time.Duration, error) {
	asked, err := oauth.ParseScope(a.Scope)
	if err != nil {
		return nil, 0, err
	}
	if len(asked) > 0 {
		return grantAsked(policies, a, resource, asked)
	}
	return grantRegistered(policies, a, resource)
}

// grantAsked grants what was asked for by name, all of it or nothing: a client
// that asked for a scope by name cannot do without it.
func grantAsked(policies *policy.Set, a Ask, resource string, asked []string) ([]string, time.Duration, error) {
	var lifetime time.Duration
	for _, scope := range asked {
		if !contains(a.Client.Scopes, scope) {
			return nil, 0, oauth.InvalidScope("scope %s is not registered for this client", scope)
		}
		d := decide(policies, a, resource, scope)
		if !d.Granted {
			return nil, 0, oauth.InvalidScope("scope %s is not granted to this client for the resource (%s)", scope, d.Reason)
		}
		lifetime = shortest(lifetime, d.MaxLifetime)
	}
	return asked, lifetime, nil
}

// grantRegistered grants all registered scopes that policy allows.
func grantRegistered(policies *policy.Set, a Ask, resource string) ([]string, time.Duration, error) {
	var granted []string
	var lifetime time.Duration
	for _, scope := range a.Client.Scopes {
		if d := decide(policies, a, resource, scope); d.Granted {
			granted = append(granted, scope)
			lifetime = shortest(lifetime, d.MaxLifetime)
		}
	}
	if len(granted) == 0 && !needsNoScope(a, resource) {
		return nil, 0, oauth.InvalidScope("no scope is granted to this client for the resource")
	}
	return granted, lifetime, nil
}

// needsNoScope is the one case of a token without any scope: a client that
// registered none, for the server itself, where no policy could declare one.
// For any other resource a token without scope would get past the policies.
func needsNoScope(a Ask, resource string) bool {
	return len(a.Client.Scopes) == 0 && resource == a.Terms.Issuer
}

func decide(policies *policy.Set, a Ask, resource, scope string) policy.Decision {
	return policies.Decide(PolicyClient(a.Client), resource, scope, a.Grant)
}

// PolicyClient is how policies see a client. One without an owner registered
// itself, is in no namespace and has no labels.
func PolicyClient(c *registry.Client) policy.Client {
	if c.Managed == nil {
		return policy.Client{SelfRegistered: true}
	}
	return policy.Client{
		Name:            c.Managed.Owner.Name,
		Cluster:         c.Managed.Owner.Cluster,
		Namespace:       c.Managed.Owner.Namespace,
		NamespaceLabels: c.Managed.NamespaceLabels,
		Labels:          c.Managed.ClientLabels,
	}
}

// shortest of two limits, of which 0 is none.
func shortest(a, b time.Duration) time.Duration {
	if a == 0 || (b > 0 && b < a) {
		return b
	}
	return a
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
