package policy

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
)

// full returns a valid policy with every field filled that is about clients;
// wide has the others.
func full() Policy {
	return Policy{
		UID: "p-1", Namespace: "orders", Name: "orders-api", Cluster: "c1", Created: 1700000000, Generation: 2,
		Resource: "https://orders.example",
		Scopes: []Scope{
			{Name: "orders.read", Description: "Read orders", MaxAccessTokenLifetime: 600},
			{Name: "orders.write", Description: "Change orders", MaxAccessTokenLifetime: 300},
		},
		Allow: []Rule{{
			Namespaces: []string{"team-a"},
			NamespaceSelector: &Selector{
				MatchLabels:      map[string]string{"env": "prod"},
				MatchExpressions: []Requirement{{Key: "tier", Operator: In, Values: []string{"gold", "silver"}}},
			},
			ClientSelector: &Selector{
				MatchLabels:      map[string]string{"app": "shop"},
				MatchExpressions: []Requirement{{Key: "old", Operator: NotIn, Values: []string{"yes"}}},
			},
			Scopes:     []string{"orders.read", "orders.write"},
			GrantTypes: []oauth.GrantType{oauth.GrantClientCredentials},
		}},
	}
}

// wide returns full with what is about users, self-registered clients and resource
// servers.
func wide() Policy {
	p := full()
	p.Scopes[0].Roles, p.Scopes[0].GrantableTo = []string{"admin", "Line manager"}, []Grantee{Users}
	p.Scopes[1].Roles, p.Scopes[1].GrantableTo = []string{"editor"}, []Grantee{Users}
	p.Allow = append(p.Allow, Rule{SelfRegistered: true, Scopes: []string{"orders.read"}, GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode}})
	p.ResourceServers = []ResourceServer{{"orders", "orders-api"}, {"edge", "gateway"}}
	return p
}

func TestValidateAcceptsUsers(t *testing.T) {
	for name, change := range map[string]func(*Policy){
		"everything filled":                 func(*Policy) {},
		"any user":                          func(p *Policy) { p.Scopes[0].Roles = nil },
		"granted to both, said so":          func(p *Policy) { p.Scopes[0].GrantableTo = []Grantee{Users, Clients} },
		"granted to both, not said":         func(p *Policy) { p.Scopes[0].GrantableTo = nil },
		"clients only, no role":             func(p *Policy) { p.Scopes[0] = Scope{Name: "orders.read", GrantableTo: []Grantee{Clients}} },
		"self-registered, every user grant": func(p *Policy) { p.Allow[1].GrantTypes = nil },
		"role in any script":                func(p *Policy) { p.Scopes[0].Roles[0] = "مدیر" },
		"longest role":                      func(p *Policy) { p.Scopes[0].Roles[0] = strings.Repeat("é", MaxRoleLength) },
		"no resource server":                func(p *Policy) { p.ResourceServers = nil },
		"resource server said twice":        func(p *Policy) { p.ResourceServers[1] = p.ResourceServers[0] },
	} {
		p := wide()
		change(&p)
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateAccepts(t *testing.T) {
	for name, change := range map[string]func(*Policy){
		"everything filled":                func(*Policy) {},
		"nobody is allowed":                func(p *Policy) { p.Allow = nil },
		"everybody is allowed":             func(p *Policy) { p.Allow[0] = Rule{Scopes: []string{"orders.read"}} },
		"empty selectors":                  func(p *Policy) { p.Allow[0].NamespaceSelector, p.Allow[0].ClientSelector = &Selector{}, &Selector{} },
		"no lifetime, no description":      func(p *Policy) { p.Scopes[0] = Scope{Name: "orders.read"} },
		"cluster is the server's business": func(p *Policy) { p.Cluster = "a b" },
	} {
		p := full()
		change(&p)
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Policy)
		names  string // what the message must name
	}{
		"uid":                               {func(p *Policy) { p.UID = "" }, "uid"},
		"A16 SQL in uid":                    {func(p *Policy) { p.UID = "a';--" }, "uid"},
		"namespace":                         {func(p *Policy) { p.Namespace = "A" }, "namespace"},
		"name":                              {func(p *Policy) { p.Name = "a/b" }, "name"},
		"created":                           {func(p *Policy) { p.Created = -1 }, "created"},
		"generation":                        {func(p *Policy) { p.Generation = -1 }, "generation"},
		"resource":                          {func(p *Policy) { p.Resource = "/orders" }, "resource"},
		"no scope":                          {func(p *Policy) { p.Scopes = nil }, "scopes"},
		"A15 too many scopes":               {func(p *Policy) { p.Scopes = make([]Scope, MaxScopes+1) }, "scopes"},
		"scope name":                        {func(p *Policy) { p.Scopes[1].Name = "a b" }, "scopes[1].name"},
		"scope of OpenID Connect":           {func(p *Policy) { p.Scopes[1].Name = "email" }, "scopes[1].name: email is a scope of OpenID Connect"},
		"scope twice":                       {func(p *Policy) { p.Scopes[1] = p.Scopes[0] }, "scopes[1].name"},
		"description too long":              {func(p *Policy) { p.Scopes[0].Description = strings.Repeat("a", 513) }, "scopes[0].description"},
		"description not UTF-8":             {func(p *Policy) { p.Scopes[0].Description = "\xff" }, "scopes[0].description"},
		"scope lifetime":                    {func(p *Policy) { p.Scopes[0].MaxAccessTokenLifetime = 1 }, "max_access_token_lifetime"},
		"A15 too many rules":                {func(p *Policy) { p.Allow = slices.Repeat(p.Allow, MaxRules+1) }, "allow"},
		"rule without scope":                {func(p *Policy) { p.Allow[0].Scopes = nil }, "allow[0].scopes"},
		"scope not declared":                {func(p *Policy) { p.Allow[0].Scopes[1] = "admin" }, "allow[0].scopes[1]"},
		"rule's namespace":                  {func(p *Policy) { p.Allow[0].Namespaces = []string{"*"} }, "allow[0].namespaces"},
		"A15 too many namespaces":           {func(p *Policy) { p.Allow[0].Namespaces = slices.Repeat([]string{"a"}, 65) }, "allow[0].namespaces"},
		"rule's grant type":                 {func(p *Policy) { p.Allow[0].GrantTypes[0] = "password" }, "allow[0].grant_types"},
		"namespace selector":                {func(p *Policy) { p.Allow[0].NamespaceSelector.MatchExpressions[0].Operator = "in" }, "namespace_selector"},
		"client selector":                   {func(p *Policy) { p.Allow[0].ClientSelector.MatchLabels["a b"] = "" }, "client_selector"},
		"role empty":                        {func(p *Policy) { p.Scopes[0].Roles[1] = "" }, "scopes[0].roles"},
		"role with space at the end":        {func(p *Policy) { p.Scopes[0].Roles[1] = "admin " }, "scopes[0].roles"},
		"role on two lines":                 {func(p *Policy) { p.Scopes[0].Roles[1] = "a\nb" }, "scopes[0].roles"},
		"A15 role too long":                 {func(p *Policy) { p.Scopes[0].Roles[1] = strings.Repeat("a", 129) }, "scopes[0].roles"},
		"A15 too many roles":                {func(p *Policy) { p.Scopes[0].Roles = slices.Repeat([]string{"a"}, MaxRoles+1) }, "scopes[0].roles"},
		"role, but not for users":           {func(p *Policy) { p.Scopes[1].GrantableTo = []Grantee{Clients} }, "scopes[1].roles"},
		"grantee unknown":                   {func(p *Policy) { p.Scopes[0].GrantableTo = []Grantee{"Users"} }, "scopes[0].grantable_to"},
		"A15 too many grantees":             {func(p *Policy) { p.Scopes[0].GrantableTo = []Grantee{Users, Users, Users} }, "scopes[0].grantable_to"},
		"self-registered by namespace":      {func(p *Policy) { p.Allow[0].SelfRegistered = true }, "allow[0] is self_registered"},
		"self-registered by empty selector": {func(p *Policy) { p.Allow[1].ClientSelector = &Selector{} }, "allow[1] is self_registered"},
		"self-registered, for itself":       {func(p *Policy) { p.Allow[1].GrantTypes[0] = oauth.GrantClientCredentials }, "client_credentials"},
		"resource server's name":            {func(p *Policy) { p.ResourceServers[1].Name = "" }, "resource_servers[1]"},
		"resource server's ns":              {func(p *Policy) { p.ResourceServers[0].Namespace = "*" }, "resource_servers[0]"},
		"A15 many resource servers":         {func(p *Policy) { p.ResourceServers = slices.Repeat(p.ResourceServers, 17) }, "resource_servers"},
		"A15 too many values": {func(p *Policy) {
			p.Allow[0].ClientSelector.MatchExpressions[0].Values = slices.Repeat([]string{"a"}, MaxValues+1)
		}, "client_selector"},
		"A15 too many expressions": {func(p *Policy) {
			s := p.Allow[0].ClientSelector
			s.MatchExpressions = slices.Repeat(s.MatchExpressions, MaxRequirements+1)
		}, "client_selector"},
	} {
		p := wide()
		c.change(&p)
		err := p.Validate()
		if !errors.Is(err, oauth.InvalidRequest("")) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if text := oauth.AsError(err).Description; !strings.Contains(text, c.names) {
			t.Errorf("%s: %q does not name %s", name, text, c.names)
		}
	}
}

func FuzzPolicy(f *testing.F) {
	body, err := json.Marshal(full())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	if body, err = json.Marshal(wide()); err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"uid":"u","namespace":"a","name":"b","resource":"urn:x","scopes":[{"name":"s"}],"allow":[{"scopes":["s"],"namespace_selector":{}}]}`))
	f.Add([]byte(`{"scopes":[{"name":"s"},{"name":"s"}],"allow":[{"scopes":["s","t"],"client_selector":{"matchExpressions":[{"key":"","operator":"?"}]}}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var p Policy
		if json.Unmarshal(in, &p) != nil {
			return
		}
		// Whatever it is, it must neither panic nor grant what it does not declare.
		set := NewSet([]Policy{p})
		set.Conflicts(p.UID)
		set.MayIntrospect(Client{Cluster: p.Cluster, Namespace: "a", Name: "b"}, p.Resource)
		for _, scope := range set.SelfRegisteredScopes("") {
			if !declares(p.Scopes, scope) {
				t.Fatalf("%q is open but not declared", scope)
			}
		}
		for _, rule := range p.Allow {
			for _, scope := range rule.Scopes {
				d := set.Decide(Client{Cluster: p.Cluster, Namespace: "a"}, p.Resource, scope, oauth.GrantClientCredentials)
				if d.Granted && !declares(p.Scopes, scope) {
					t.Fatalf("%q is granted but not declared", scope)
				}
				u := set.DecideUser(Client{SelfRegistered: true}, User{}, p.Resource, scope, oauth.GrantAuthorizationCode)
				if u.Granted && u.Reason != BuiltIn && (len(set.RequiredRoles(p.Resource, scope)) > 0 || !slices.Contains(set.SelfRegisteredScopes(p.Resource), scope)) {
					t.Fatalf("%q is granted to a stranger", scope)
				}
			}
		}
		if err := p.Validate(); err != nil {
			if oauth.CodeOf(err) != oauth.CodeInvalidRequest {
				t.Fatal(err)
			}
			return
		}
		again, err := json.Marshal(p.Normalized())
		var back Policy
		if err != nil || json.Unmarshal(again, &back) != nil || back.Validate() != nil || back.Digest() != p.Digest() {
			t.Fatalf("the digest does not survive the wire: %s", again)
		}
	})
}
