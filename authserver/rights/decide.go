package rights

import (
	"slices"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
)

// Terms are what the server's settings say about rights. Immutable.
type Terms struct {
	// Issuer is the `iss` of every token, and the audience of a token that is for no API.
	Issuer string
	// DefaultResource is the resource of a client that registered none. Never empty.
	DefaultResource string
	// AccessTokenLifetime is the longest; clients and scopes only shorten it.
	AccessTokenLifetime time.Duration
}

// Question is all that a decision depends on, beside the policies in force.
type Question struct {
	Client *registry.Client
	Grant  oauth.GrantType
	// User that the client acts for; nil: it acts for itself, or, with a user's grant, it
	// is not known yet who the user is: roles and consent are then left out.
	User *User
	// Resource that the decision is about; Target finds it.
	Resource string
	// Named: the request named the resource. Otherwise the audience may become the
	// issuer.
	Named bool
	// Asked are the scopes of the request; empty: see Asked.
	Asked []string
	Terms *Terms
}

// User is what a decision needs to know of a user.
type User struct {
	// Roles that the user holds now.
	Roles   []string
	Consent Consent
}

// Consent is what a user consented to, and whether the user can still be asked.
type Consent struct {
	// Scopes that the user allowed the client at the resource.
	Scopes []string
	// NotNeeded: the client is trusted (oauth.Registration.SkipsConsent), and the user has
	// not withdrawn its access.
	NotNeeded bool
	// CanAsk: a consent page can be shown. A scope without consent is then granted
	// subject to Answer.Missing, and withheld otherwise.
	CanAsk bool
	// AskAgain shows the page even if Scopes holds all: prompt=consent (OpenID Connect
	// Core 1.0, Section 3.1.2.1), or a client that another program could pretend to be.
	AskAgain bool
}

// Answer is what is granted. Lists keep the order of the request.
type Answer struct {
	// Resource becomes the audience: that of the question, or the issuer.
	Resource string
	Granted  []string
	// Withheld are the scopes that are not granted, each with the reason.
	Withheld []Withheld
	// Missing is the part of Granted that the user has not allowed yet.
	Missing []string
	// NeedsConsent: the consent page is to be shown first.
	NeedsConsent bool
	// Roles of the user by which the scopes are granted, sorted.
	Roles []string
	// Lifetime of an access token; whole seconds.
	Lifetime time.Duration
}

// Withheld is a scope that is not granted.
type Withheld struct {
	Scope  string
	Reason policy.Reason
}

// Reasons beside those of package policy.
const (
	// NotRegistered: the client did not register the scope.
	NotRegistered policy.Reason = "NotRegistered"
	// NotConsented: the user did not allow it, or has withdrawn it.
	NotConsented policy.Reason = "NotConsented"
)

// Decide answers a question:
//
//  1. The scopes are those asked for, or else those that the client registered.
//  2. A scope of the resource's API is granted if the client registered it, policy allows
//     it to the client with this grant, the user holds a role for it, and the user
//     consented to it or can be asked.
//  3. Scopes of OpenID Connect are granted beside such a scope, and at the issuer
//     (policy.IdentityCounts). Alone at an API they are refused if the request named the
//     resource; otherwise the audience becomes the issuer.
//  4. The lifetime is the shortest of those of server, client and scopes.
//
// The error is an invalid_target: step 3 refused the resource.
func Decide(policies *policy.Set, q Question) (Answer, error) {
	// 1.
	scopes := Asked(policies, q.Client, q.Resource, q.Asked)
	var buffer [8]verdict
	verdicts := buffer[:0]
	// 2.
	registered := registeredScopes(policies, q.Client, q.Resource)
	api, identity := false, false
	for _, scope := range scopes {
		v := q.judge(policies, registered, scope)
		if v.reason == policy.Allowed {
			api = true
		}
		if v.reason == policy.BuiltIn {
			identity = true
		}
		verdicts = append(verdicts, v)
	}
	// 3.
	a := Answer{Resource: q.Resource}
	if identity && !policy.IdentityCounts(q.Resource, q.Terms.Issuer, api) {
		if q.Named {
			return Answer{}, identityAlone(scopes, verdicts)
		}
		a.Resource = q.Terms.Issuer
	}
	// 4.
	a.fill(policies, q, scopes, verdicts)
	return a, nil
}

// identityAlone says why no scope of the API is granted: which one is withheld, or that
// none was asked for.
func identityAlone(scopes []string, verdicts []verdict) *oauth.Error {
	const alone = "openid, profile, email and offline_access alone are for no API: leave resource out for them"
	for i, v := range verdicts {
		if !v.granted() && !oauth.IdentityScope(scopes[i]) {
			return oauth.InvalidTarget("scope %s is not granted for the resource (%s), and "+alone, scopes[i], v.reason)
		}
	}
	return oauth.InvalidTarget("no scope of the resource is asked for, and " + alone)
}

// verdict is what is decided about one scope.
type verdict struct {
	reason  policy.Reason // Allowed or BuiltIn: it is granted
	limit   time.Duration // longest lifetime of an access token; 0: none of its own
	missing bool          // the user is still to be asked
}

func (v verdict) granted() bool { return v.reason == policy.Allowed || v.reason == policy.BuiltIn }

// judge is step 2 for one scope. Step 3 decides whether a scope of OpenID Connect counts.
func (q *Question) judge(policies *policy.Set, registered []string, scope string) verdict {
	if !slices.Contains(registered, scope) {
		return verdict{reason: NotRegistered}
	}
	d := q.ask(policies, scope)
	if !d.Granted {
		return verdict{reason: d.Reason}
	}
	v := verdict{reason: d.Reason, limit: d.MaxLifetime}
	if q.User != nil && !q.User.Consent.NotNeeded && !slices.Contains(q.User.Consent.Scopes, scope) {
		if !q.User.Consent.CanAsk {
			return verdict{reason: NotConsented}
		}
		v.missing = true
	}
	return v
}

// ask is what policy says about one scope.
func (q *Question) ask(policies *policy.Set, scope string) policy.Decision {
	switch {
	case oauth.IdentityScope(scope):
		return policy.DecideIdentity(q.Grant)
	case q.User != nil:
		return policies.DecideUser(PolicyClient(q.Client), policy.User{Roles: q.User.Roles}, q.Resource, scope, q.Grant)
	}
	return policies.Decide(PolicyClient(q.Client), q.Resource, scope, q.Grant)
}

// fill turns the verdicts into the answer.
func (a *Answer) fill(policies *policy.Set, q Question, scopes []string, verdicts []verdict) {
	var limit time.Duration
	for i, v := range verdicts {
		scope := scopes[i]
		if !v.granted() {
			a.Withheld = append(a.Withheld, Withheld{scope, v.reason})
			continue
		}
		if a.Granted == nil {
			a.Granted = make([]string, 0, len(scopes))
		}
		a.Granted = append(a.Granted, scope)
		if v.missing {
			a.Missing = append(a.Missing, scope)
		}
		limit = shorter(limit, v.limit)
		if q.User != nil {
			a.useRoles(policies.RequiredRoles(q.Resource, scope), q.User.Roles)
		}
	}
	slices.Sort(a.Roles)
	if q.User != nil {
		c := q.User.Consent
		a.NeedsConsent = len(a.Granted) > 0 && !c.NotNeeded && (len(a.Missing) > 0 || c.AskAgain)
	}
	a.Lifetime = accessLifetime(q.Client, q.Terms, limit)
}

// useRoles notes the user's roles among those that a scope needs.
func (a *Answer) useRoles(needed, held []string) {
	for _, role := range needed {
		if slices.Contains(held, role) && !slices.Contains(a.Roles, role) {
			a.Roles = append(a.Roles, role)
		}
	}
}

// All returns nil if every scope is granted. The error is an invalid_scope that names the
// first scope that is withheld.
func (a *Answer) All() error {
	if len(a.Withheld) == 0 {
		return nil
	}
	w := a.Withheld[0]
	if w.Reason == NotRegistered {
		return oauth.InvalidScope("scope %s is not registered for this client", w.Scope)
	}
	return oauth.InvalidScope("scope %s is not granted to this client for the resource (%s)", w.Scope, w.Reason)
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

// shorter of two lifetimes, of which 0 is no limit.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// PolicyClient is how policies see a client. One without an owner registered itself, is
// in no namespace and has no labels.
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
