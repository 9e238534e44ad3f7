package policy

import (
	"slices"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
)

func selfRegisteredClient() Client { return Client{SelfRegistered: true} }

// A10, F32: no rule opens a scope to self-registered clients but one that says so.
func TestDecideSelfRegistered(t *testing.T) {
	read := []string{"read"}
	for name, c := range map[string]struct {
		rule           Rule
		selfRegistered Reason // for a client that registered itself
		other          Reason // for an OAuthClient
	}{
		"every namespace is not everybody":        {Rule{Scopes: read}, NotAllowed, Allowed},
		"nor is every label":                      {Rule{Scopes: read, ClientSelector: &Selector{}, NamespaceSelector: &Selector{}}, NotAllowed, Allowed},
		"nor what has no label":                   {Rule{Scopes: read, ClientSelector: expression("a", DoesNotExist)}, NotAllowed, Allowed},
		"self-registered":                         {Rule{Scopes: read, SelfRegistered: true}, Allowed, NotAllowed},
		"self-registered, by code":                {Rule{Scopes: read, SelfRegistered: true, GrantTypes: []oauth.GrantType{code}}, Allowed, NotAllowed},
		"self-registered, by client credentials":  {Rule{Scopes: read, SelfRegistered: true, GrantTypes: []oauth.GrantType{cc}}, GrantTypeNotAllowed, NotAllowed},
		"self-registered and a namespace: nobody": {Rule{Scopes: read, SelfRegistered: true, Namespaces: []string{"team-a"}}, NotAllowed, NotAllowed},
		"self-registered and a selector: nobody":  {Rule{Scopes: read, SelfRegistered: true, ClientSelector: &Selector{}}, NotAllowed, NotAllowed},
		"self-registered, another scope":          {Rule{Scopes: []string{"write"}, SelfRegistered: true}, NotAllowed, NotAllowed},
	} {
		p := declare("p1", 1, c.rule)
		p.Cluster = "c1"
		set := NewSet([]Policy{p})
		client := shop()
		client.Cluster = "c1"
		if got := set.Decide(selfRegisteredClient(), orders, "read", code); got.Reason != c.selfRegistered {
			t.Errorf("%s: self-registered: %+v", name, got)
		}
		if got := set.Decide(client, orders, "read", code); got.Reason != c.other {
			t.Errorf("%s: OAuthClient: %+v", name, got)
		}
		if got := set.Decide(Client{}, orders, "read", code); got.Granted {
			t.Errorf("%s: neither: %+v", name, got)
		}
		if slices.Contains(set.SelfRegisteredResources(), orders) != (c.selfRegistered == Allowed || name == "self-registered, another scope") {
			t.Errorf("%s: SelfRegisteredResource", name)
		}
	}
}

func TestSelfRegisteredScopes(t *testing.T) {
	ordersPolicy := declare("p1", 1, Rule{SelfRegistered: true, Scopes: []string{"write", "read", "bot", "boss"}})
	ordersPolicy.Scopes = append(ordersPolicy.Scopes,
		Scope{Name: "bot", GrantableTo: []Grantee{Clients}},
		Scope{Name: "boss", Roles: []string{"boss"}},
		Scope{Name: "closed"})
	billing := declare("p2", 2, Rule{SelfRegistered: true, Scopes: []string{"read"}})
	billing.Resource = "https://billing.example"
	closed := declare("p3", 3, Rule{Scopes: []string{"read"}})
	closed.Resource = "https://closed.example"
	elsewhere := declare("p4", 4, Rule{SelfRegistered: true, Scopes: []string{"evil"}})
	elsewhere.Namespace, elsewhere.Scopes = "team-a", []Scope{{Name: "evil"}}
	set := NewSet([]Policy{elsewhere, closed, billing, ordersPolicy})
	for resource, want := range map[string][]string{
		orders:                    {"boss", "read", "write"},
		"https://billing.example": {"read"},
		"https://closed.example":  nil,
		"https://unknown.example": nil,
		"":                        {"boss", "read", "write"},
	} {
		if got := set.SelfRegisteredScopes(resource); !slices.Equal(got, want) {
			t.Errorf("%q: got %q", resource, got)
		}
		if resource != "" && slices.Contains(set.SelfRegisteredResources(), resource) != (want != nil) {
			t.Errorf("%q: SelfRegisteredResource", resource)
		}
	}
	if got := set.SelfRegisteredResources(); !slices.Equal(got, []string{"https://billing.example", orders}) {
		t.Errorf("got %q", got)
	}
	set.SelfRegisteredScopes(orders)[0] = "changed"
	if set.SelfRegisteredScopes(orders)[0] != "boss" {
		t.Error("the set was changed through its answer")
	}
}

func TestSelfRegisteredOfNothing(t *testing.T) {
	for name, set := range map[string]*Set{"nil": nil, "zero": new(Set), "empty": NewSet(nil)} {
		if len(set.SelfRegisteredScopes("")) > 0 || len(set.SelfRegisteredScopes(orders)) > 0 || len(set.SelfRegisteredResources()) > 0 || slices.Contains(set.SelfRegisteredResources(), orders) || set.MayIntrospect(shop(), orders) {
			t.Errorf("%s: something is open", name)
		}
	}
}

// A6, F32: who may introspect.
func TestA6MayIntrospect(t *testing.T) {
	p := declare("p1", 1)
	p.Cluster = "c1"
	p.ResourceServers = []ResourceServer{{"edge", "gateway"}}
	evil := declare("p2", 2)
	evil.Cluster, evil.Namespace, evil.ResourceServers = "c1", "team-a", []ResourceServer{{"team-a", "spy"}}
	set := NewSet([]Policy{evil, p})
	for name, c := range map[string]struct {
		client   Client
		resource string
		want     bool
	}{
		"named":                          {Client{Cluster: "c1", Namespace: "edge", Name: "gateway"}, orders, true},
		"another name":                   {Client{Cluster: "c1", Namespace: "edge", Name: "gateway2"}, orders, false},
		"another namespace":              {Client{Cluster: "c1", Namespace: "orders", Name: "gateway"}, orders, false},
		"another cluster":                {Client{Cluster: "c2", Namespace: "edge", Name: "gateway"}, orders, false},
		"another resource":               {Client{Cluster: "c1", Namespace: "edge", Name: "gateway"}, orders + "/", false},
		"of a policy that has no effect": {Client{Cluster: "c1", Namespace: "team-a", Name: "spy"}, orders, false},
		"self-registered":                {Client{Cluster: "c1", Namespace: "edge", Name: "gateway", SelfRegistered: true}, orders, false},
		"nobody":                         {Client{}, orders, false},
	} {
		if got := set.MayIntrospect(c.client, c.resource); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
