package v1alpha1_test

import (
	"strings"
	"testing"
)

// policySpec is a ScopePolicy's spec with one scope and more fields.
func policySpec(fields ...string) string {
	return "resource: https://orders.example\nscopes: [{name: read}]\n" + strings.Join(fields, "\n")
}

func allow(rule string) string { return policySpec("allow: [" + rule + "]") }

func TestScopePolicySchema(t *testing.T) {
	resource := []string{"spec.resource", "absolute URI without a fragment"}
	declared := func(n int) string {
		return names(n, func(i int) string { return "{name: " + word(i) + "}" })
	}
	full := "resource: https://orders.example\nscopes: " + declared(100) + "\nallow: " +
		names(64, func(int) string { return "{namespaces: {from: All}, scopes: " + names(100, word) + "}" })
	checkCreate(t, "ScopePolicy", []rule{
		{"least", policySpec(), nil},
		{"URN", "resource: 'urn:example:orders'\nscopes: [{name: read}]", nil},
		{"full", policySpec("allow: [{namespaces: {from: Selector, selector: {matchLabels: {a: b}}}, clients: {matchLabels: {c: d}}, scopes: [read], grantTypes: [client_credentials]}]"), nil},
		{"as much as may be", full, nil},
		{"no resource", "scopes: [{name: read}]", []string{"spec.resource", "Required"}},
		{"resource that is no URI", "resource: orders\nscopes: [{name: read}]", resource},
		{"resource that is a path", "resource: /orders\nscopes: [{name: read}]", resource},
		{"resource with a fragment", "resource: 'https://a.example#b'\nscopes: [{name: read}]", resource},
		{"resource with a space", "resource: 'https://a.example/a b'\nscopes: [{name: read}]", resource},
		{"resource of the API server", "resource: https://kubernetes.default.svc/a\nscopes: [{name: read}]", []string{"spec.resource", "is reserved"}},
		{"scope of OpenID Connect", "resource: https://a.example\nscopes: [{name: email}]", []string{"spec.scopes[0].name", "a scope of OpenID Connect cannot be declared"}},
		{"scope that begins like one of OpenID Connect", "resource: https://a.example\nscopes: [{name: 'email:send'}]", nil},
		{"serverRef in capitals", policySpec("serverRef: {name: Default}"), []string{"spec.serverRef.name", "should match"}},
		{"no scopes", "resource: https://a.example\nscopes: []", []string{"spec.scopes", "at least 1"}},
		{"too many scopes", "resource: https://a.example\nscopes: " + declared(101), []string{"spec.scopes", "100"}},
		{"scope twice", "resource: https://a.example\nscopes: [{name: a}, {name: a}]", []string{"spec.scopes[1]", "Duplicate"}},
		{"scope with a space", "resource: https://a.example\nscopes: [{name: 'a b'}]", []string{"spec.scopes[0].name"}},
		{"lifetime", "resource: https://a.example\nscopes: [{name: a, maxAccessTokenLifetime: 5m}]", nil},
		{"lifetime too short", "resource: https://a.example\nscopes: [{name: a, maxAccessTokenLifetime: 1s}]", []string{"spec.scopes[0].maxAccessTokenLifetime", "between 1m and 24h"}},
		{"allow what is not declared", allow("{namespaces: {from: All}, scopes: [write]}"), []string{"spec", "allow may name only scopes that are declared in scopes"}},
		{"allow nothing", allow("{namespaces: {from: All}, scopes: []}"), []string{"spec.allow[0].scopes", "at least 1"}},
		{"allow nobody", allow("{scopes: [read]}"), []string{"spec.allow[0]", "namespaces must be set, unless selfRegistered is true"}},
		{"selector missing", allow("{namespaces: {from: Selector}, scopes: [read]}"), []string{"spec.allow[0].namespaces", "selector must be set"}},
		{"selector beside Same", allow("{namespaces: {from: Same, selector: {}}, scopes: [read]}"), []string{"spec.allow[0].namespaces", "only if, from is Selector"}},
		{"unknown grant type", allow("{namespaces: {from: All}, scopes: [read], grantTypes: [implicit]}"), []string{"spec.allow[0].grantTypes[0]", `"client_credentials"`}},
		{"too many rules", "resource: https://a.example\nscopes: [{name: a}]\nallow: " + names(65, func(int) string { return "{namespaces: {from: All}, scopes: [a]}" }), []string{"spec.allow", "64"}},
	})
}

func TestScopePolicyImmutable(t *testing.T) {
	serverRef := []string{"serverRef is immutable"}
	checkUpdate(t, "ScopePolicy", []change{
		{"resource", policySpec(), strings.Replace(policySpec(), "orders", "other", 1), []string{"spec.resource", "resource is immutable"}},
		{"serverRef set", policySpec(), policySpec("serverRef: {name: a}"), serverRef},
		{"serverRef removed", policySpec("serverRef: {name: a}"), policySpec(), serverRef},
		{"serverRef changed", policySpec("serverRef: {name: a}"), policySpec("serverRef: {name: b}"), serverRef},
		{"everything else", policySpec("serverRef: {name: a}"), policySpec("serverRef: {name: a}", "allow: [{namespaces: {from: Same}, scopes: [read]}]"), nil},
	})
}
