package signin

import (
	"slices"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

// identityScopes are the words for the scopes of OpenID Connect
// (oauth.IdentityScopes), which are not any API's and need no ScopePolicy.
var identityScopes = map[string]string{
	oauth.ScopeOpenID:        "Know that it is you when you come back",
	oauth.ScopeProfile:       "See your name, user name, roles and groups",
	oauth.ScopeEmail:         "See your email address",
	oauth.ScopeOfflineAccess: "Keep access while you are not using it",
}

// Request is what the decision about a consent needs. It is pure data: the same
// rule decides at the authorization endpoint and again where the code is used.
type Request struct {
	// Asked are the scopes of the request; empty: all registered ones, for many
	// clients send none.
	Asked []string
	// Registered are the scopes that the client registered.
	Registered []string
	// Allowed tells whether policy allows a scope to the client for this
	// resource, and the person's roles to the person.
	Allowed func(scope string) bool
	// Remembered is what the person allowed the client for this resource before
	// (store.Consent).
	Remembered []string
	// Trusted clients are the platform's own: nobody is asked about them but who
	// took the access away.
	Trusted bool
	// AskAgain shows the page whatever is remembered: prompt=consent (OpenID
	// Connect Core, Section 3.1.2.1), or an app that could be another
	// (oauth.Registration.RemembersConsent).
	AskAgain bool
}

// Verdict is what may be granted, and what must be asked first. All lists keep
// the order of the request.
type Verdict struct {
	// Grantable = asked ∩ registered ∩ policy ∩ roles.
	Grantable []string
	// Withheld is what was asked and is not grantable. A request of which nothing
	// is grantable is invalid_scope.
	Withheld []string
	// New is the part of Grantable that the person has not allowed yet.
	New []string
	// Ask: the consent page is to be shown. What may be granted without it is all
	// of Grantable.
	Ask bool
}

// Judge applies the rule.
func (r Request) Judge() Verdict {
	asked := r.Asked
	if len(asked) == 0 {
		asked = r.Registered
	}
	var v Verdict
	for _, scope := range asked {
		if slices.Contains(v.Grantable, scope) || slices.Contains(v.Withheld, scope) {
			continue
		}
		if !slices.Contains(r.Registered, scope) || r.Allowed == nil || !r.Allowed(scope) {
			v.Withheld = append(v.Withheld, scope)
			continue
		}
		v.Grantable = append(v.Grantable, scope)
		if !slices.Contains(r.Remembered, scope) {
			v.New = append(v.New, scope)
		}
	}
	v.Ask = len(v.Grantable) > 0 && !r.Trusted && (len(v.New) > 0 || r.AskAgain)
	return v
}

// ScopeText is a scope in words, for the page.
type ScopeText struct {
	Name string
	// Text is the description in its ScopePolicy, or ours for the scopes of OpenID
	// Connect; empty where there is none: then the page shows the name.
	Text string
	// Known: allowed before, not asked anew.
	Known bool
	// Identity: one of OpenID Connect, about the person and not an API.
	Identity bool
}

// Describe puts the grantable scopes into words, new ones first.
func (v Verdict) Describe(policies *policy.Set, resource string) []ScopeText {
	var fresh, known []ScopeText
	for _, scope := range v.Grantable {
		text := describe(policies, resource, scope)
		if slices.Contains(v.New, scope) {
			fresh = append(fresh, text)
			continue
		}
		text.Known = true
		known = append(known, text)
	}
	return append(fresh, known...)
}

func describe(policies *policy.Set, resource, scope string) ScopeText {
	if words, ok := identityScopes[scope]; ok {
		return ScopeText{Name: scope, Text: words, Identity: true}
	}
	declared, _ := policies.Declaration(resource, scope)
	return ScopeText{Name: scope, Text: declared.Description}
}
