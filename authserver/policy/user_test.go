package policy

import (
	"slices"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
)

const (
	code    = oauth.GrantAuthorizationCode
	refresh = oauth.GrantRefreshToken
)

// people returns a policy in which a scope is declared for each case and allowed
// to every OAuthClient.
func people(scopes ...Scope) *Set {
	p := declare("p1", 1)
	p.Scopes = scopes
	rule := Rule{}
	for _, s := range scopes {
		rule.Scopes = append(rule.Scopes, s.Name)
	}
	p.Allow = []Rule{rule}
	return NewSet([]Policy{p})
}

func TestDecideUser(t *testing.T) {
	set := people(
		Scope{Name: "any"},
		Scope{Name: "admin", Roles: []string{"admin", "owner"}},
		Scope{Name: "users", GrantableTo: []Grantee{Users}},
		Scope{Name: "clients", GrantableTo: []Grantee{Clients}},
		Scope{Name: "both", GrantableTo: []Grantee{Clients, Users}},
		Scope{Name: "unknown", GrantableTo: []Grantee{"robots"}},
	)
	for name, c := range map[string]struct {
		scope string
		roles []string
		grant oauth.GrantType
		want  Reason
	}{
		"no role needed":                    {"any", nil, code, Allowed},
		"no role needed, refresh":           {"any", nil, refresh, Allowed},
		"one of the roles":                  {"admin", []string{"x", "owner"}, code, Allowed},
		"none of the roles":                 {"admin", []string{"x"}, code, RoleMissing},
		"no roles at all":                   {"admin", nil, code, RoleMissing},
		"role in another case":              {"admin", []string{"Admin"}, code, RoleMissing},
		"role is no prefix":                 {"admin", []string{"adm", "administrator"}, code, RoleMissing},
		"A19 role lost, refresh":            {"admin", []string{"x"}, refresh, RoleMissing},
		"users only":                        {"users", nil, code, Allowed},
		"clients only":                      {"clients", []string{"admin"}, code, NotForUsers},
		"clients only, refresh":             {"clients", nil, refresh, NotForUsers},
		"both":                              {"both", nil, code, Allowed},
		"grantee unknown":                   {"unknown", nil, code, NotForUsers},
		"not declared":                      {"other", []string{"admin"}, code, NotDeclared},
		"OpenID Connect: no API's":          {"openid", nil, code, NotDeclared},
		"A11 a grant that is for no user":   {"any", nil, cc, NotForClients},
		"A11 a grant that nobody knows":     {"any", nil, "password", NotForClients},
		"OpenID Connect, grant for no user": {"openid", nil, cc, NotForClients},
	} {
		got := set.DecideUser(shop(), User{Roles: c.roles}, orders, c.scope, c.grant)
		if got.Reason != c.want || got.Granted != (c.want == Allowed) {
			t.Errorf("%s: got %+v", name, got)
		}
		if named := got.Policy != ""; named != (c.want != NotDeclared && c.want != NotForClients) {
			t.Errorf("%s: policy %q", name, got.Policy)
		}
	}
}

// What holds of the client alone, as the OAuthClient's status tells it.
func TestDecideForUsersAndClients(t *testing.T) {
	set := people(
		Scope{Name: "any"},
		Scope{Name: "admin", Roles: []string{"admin"}},
		Scope{Name: "users", GrantableTo: []Grantee{Users}},
		Scope{Name: "clients", GrantableTo: []Grantee{Clients}},
	)
	for name, c := range map[string]struct {
		scope string
		grant oauth.GrantType
		want  Reason
	}{
		"any, user":                   {"any", code, Allowed},
		"any, client":                 {"any", cc, Allowed},
		"roles are the user's matter": {"admin", code, Allowed},
		"S16 roles are for users":     {"admin", cc, NotForClients},
		"users only, client":          {"users", cc, NotForClients},
		"users only, user":            {"users", code, Allowed},
		"clients only, client":        {"clients", cc, Allowed},
		"clients only, user":          {"clients", code, NotForUsers},
		"OpenID Connect: no API's":    {"profile", code, NotDeclared},
	} {
		got := set.Decide(shop(), orders, c.scope, c.grant)
		if got.Reason != c.want || got.Granted != (c.want == Allowed) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// Validate refuses a policy that declares a scope of OpenID Connect's name; one that
// was stored before it did decides nothing about it.
func TestNoPolicyDecidesAboutAnIdentityScope(t *testing.T) {
	p := declare("p1", 1)
	p.Scopes = append(p.Scopes, Scope{Name: "email", Roles: []string{"admin"}})
	set := NewSet([]Policy{p})
	if got := set.DecideUser(shop(), User{Roles: []string{"admin"}}, orders, "email", code); got.Granted || got.Reason != NotDeclared {
		t.Errorf("the resource that declares it: %+v", got)
	}
}

// TestS2IdentityScopes: a scope of OpenID Connect is about a user, and counts at the
// issuer or beside a granted scope of the resource's API.
func TestS2IdentityScopes(t *testing.T) {
	for grant, want := range map[oauth.GrantType]Decision{
		code: {Granted: true, Reason: BuiltIn}, refresh: {Granted: true, Reason: BuiltIn}, cc: {Reason: NotForClients}, "password": {Reason: NotForClients},
	} {
		if got := DecideIdentity(grant); got != want {
			t.Errorf("%s: %+v, want %+v", grant, got, want)
		}
	}
	const issuer = "https://login.example"
	if !IdentityCounts(issuer, issuer, false) || !IdentityCounts(orders, issuer, true) || IdentityCounts(orders, issuer, false) {
		t.Error("they count where they should not, or do not where they should")
	}
}

func TestRulesForUserGrants(t *testing.T) {
	for name, c := range map[string]struct {
		rule  []oauth.GrantType
		grant oauth.GrantType
		want  Reason
	}{
		"code":                      {[]oauth.GrantType{code}, code, Allowed},
		"what a code gave, refresh": {[]oauth.GrantType{code}, refresh, Allowed},
		"refresh only, refresh":     {[]oauth.GrantType{refresh}, refresh, Allowed},
		"refresh only, code":        {[]oauth.GrantType{refresh}, code, GrantTypeNotAllowed},
		"client's, code":            {[]oauth.GrantType{cc}, code, GrantTypeNotAllowed},
		"client's, refresh":         {[]oauth.GrantType{cc}, refresh, GrantTypeNotAllowed},
		"code, client's":            {[]oauth.GrantType{code, refresh}, cc, GrantTypeNotAllowed},
	} {
		set := NewSet([]Policy{declare("p1", 1, Rule{Scopes: []string{"read"}, GrantTypes: c.rule})})
		if got := set.Decide(shop(), orders, "read", c.grant); got.Reason != c.want {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestRolesAreOfTheDeclarationThatStands(t *testing.T) {
	older, younger := declare("p1", 1), declare("p2", 2, Rule{Scopes: []string{"read"}})
	older.Scopes[0].Roles = []string{"admin"}
	younger.Scopes[0].Roles = []string{"guest"}
	set := NewSet([]Policy{younger, older})
	if got := set.RequiredRoles(orders, "read"); !slices.Equal(got, []string{"admin"}) {
		t.Errorf("got %q", got)
	}
	got := set.DecideUser(shop(), User{Roles: []string{"guest"}}, orders, "read", code)
	if got.Reason != RoleMissing || got.Policy != "orders/p1" {
		t.Errorf("got %+v", got)
	}
	for _, none := range [][]string{set.RequiredRoles(orders, "other"), set.RequiredRoles(orders, "write"), (*Set)(nil).RequiredRoles(orders, "read")} {
		if len(none) > 0 {
			t.Errorf("got %q", none)
		}
	}
}

func TestDecideUserAllocatesNothing(t *testing.T) {
	set, client, user := people(Scope{Name: "admin", Roles: []string{"admin"}}), shop(), User{Roles: []string{"x", "admin"}}
	for _, scope := range []string{"admin", "openid", "none"} {
		if n := testing.AllocsPerRun(100, func() { set.DecideUser(client, user, orders, scope, code) }); n != 0 {
			t.Errorf("%s: %v allocations", scope, n)
		}
	}
}
