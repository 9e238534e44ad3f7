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

// Describe puts the scopes of a resource into words, fresh ones first: those that the
// user has not allowed yet.
func Describe(policies *policy.Set, resource string, scopes, fresh []string) []ScopeText {
	var first, known []ScopeText
	for _, scope := range scopes {
		text := describe(policies, resource, scope)
		if slices.Contains(fresh, scope) {
			first = append(first, text)
			continue
		}
		text.Known = true
		known = append(known, text)
	}
	return append(first, known...)
}

func describe(policies *policy.Set, resource, scope string) ScopeText {
	if words, ok := identityScopes[scope]; ok {
		return ScopeText{Name: scope, Text: words, Identity: true}
	}
	declared, _ := policies.Declaration(resource, scope)
	return ScopeText{Name: scope, Text: declared.Description}
}
