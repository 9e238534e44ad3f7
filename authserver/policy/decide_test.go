package policy

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

const (
	orders = "https://orders.example"
	cc     = oauth.GrantClientCredentials
)

// declare returns a policy of namespace orders that declares scopes read and
// write and has these rules.
func declare(uid string, created int64, rules ...Rule) Policy {
	return Policy{
		UID: uid, Namespace: "orders", Name: uid, Created: created, Resource: orders,
		Scopes: []Scope{{Name: "read"}, {Name: "write"}}, Allow: rules,
	}
}

func shop() Client {
	return Client{
		Namespace:       "team-a",
		NamespaceLabels: labels("env", "prod"),
		Labels:          labels("app", "shop"),
	}
}

func TestDecide(t *testing.T) {
	read := []string{"read"}
	for name, c := range map[string]struct {
		rules []Rule
		want  Reason
	}{
		"no rule: default deny":           {nil, NotAllowed},
		"every namespace":                 {[]Rule{{Scopes: read}}, Allowed},
		"namespace by name":               {[]Rule{{Scopes: read, Namespaces: []string{"x", "team-a"}}}, Allowed},
		"F32 another namespace":           {[]Rule{{Scopes: read, Namespaces: []string{"team-b"}}}, NotAllowed},
		"namespace by label":              {[]Rule{{Scopes: read, NamespaceSelector: &Selector{MatchLabels: labels("env", "prod")}}}, Allowed},
		"namespace by label, not this":    {[]Rule{{Scopes: read, NamespaceSelector: &Selector{MatchLabels: labels("env", "qa")}}}, NotAllowed},
		"F32 client's label is no ns's":   {[]Rule{{Scopes: read, NamespaceSelector: &Selector{MatchLabels: labels("app", "shop")}}}, NotAllowed},
		"empty selector: every namespace": {[]Rule{{Scopes: read, NamespaceSelector: &Selector{}}}, Allowed},
		"name and label: both must hold":  {[]Rule{{Scopes: read, Namespaces: []string{"team-b"}, NamespaceSelector: &Selector{}}}, NotAllowed},
		"client by label":                 {[]Rule{{Scopes: read, ClientSelector: &Selector{MatchLabels: labels("app", "shop")}}}, Allowed},
		"client by label, not this":       {[]Rule{{Scopes: read, ClientSelector: &Selector{MatchLabels: labels("app", "cart")}}}, NotAllowed},
		"invalid selector allows nobody":  {[]Rule{{Scopes: read, ClientSelector: expression("a", "?")}}, NotAllowed},
		"invalid NotIn allows nobody":     {[]Rule{{Scopes: read, NamespaceSelector: expression("a", NotIn)}}, NotAllowed},
		"another scope's rule":            {[]Rule{{Scopes: []string{"write"}}}, NotAllowed},
		"grant type named":                {[]Rule{{Scopes: read, GrantTypes: []oauth.GrantType{cc}}}, Allowed},
		"grant type not named":            {[]Rule{{Scopes: read, GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode}}}, GrantTypeNotAllowed},
		"rules add up": {[]Rule{
			{Scopes: read, Namespaces: []string{"team-b"}},
			{Scopes: read, GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode}},
			{Scopes: read}}, Allowed},
		"grant type of a rule for others": {[]Rule{
			{Scopes: read, Namespaces: []string{"team-b"}, GrantTypes: []oauth.GrantType{cc}},
			{Scopes: read, GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode}}}, GrantTypeNotAllowed},
	} {
		got := NewSet([]Policy{declare("p1", 1, c.rules...)}).Decide(shop(), orders, "read", cc)
		if got.Reason != c.want || got.Granted != (c.want == Allowed) || got.Policy != "orders/p1" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestDecideNotDeclared(t *testing.T) {
	undeclared := declare("p1", 1, Rule{Scopes: []string{"admin", "read"}})
	set := NewSet([]Policy{undeclared})
	for name, got := range map[string]Decision{
		"another scope":                   set.Decide(shop(), orders, "other", cc),
		"the scope of another resource":   set.Decide(shop(), orders+"/", "read", cc),
		"allowed but not declared":        set.Decide(shop(), orders, "admin", cc),
		"no policies":                     NewSet(nil).Decide(shop(), orders, "read", cc),
		"zero value":                      new(Set).Decide(shop(), orders, "read", cc),
		"nil":                             (*Set)(nil).Decide(shop(), orders, "read", cc),
		"scope names are not prefixes":    set.Decide(shop(), orders, "rea", cc),
		"scope and resource do not blend": set.Decide(shop(), orders+"read", "", cc),
	} {
		if got != (Decision{Reason: NotDeclared}) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestDecideLifetimeIsOfTheDeclarationThatStands(t *testing.T) {
	older, younger := declare("p1", 1), declare("p2", 2, Rule{Scopes: []string{"read"}})
	older.Scopes[0].MaxAccessTokenLifetime = 120
	younger.Scopes[0].MaxAccessTokenLifetime = 86400
	got := NewSet([]Policy{younger, older}).Decide(shop(), orders, "read", cc)
	if !got.Granted || got.MaxLifetime != 2*time.Minute || got.Policy != "orders/p2" {
		t.Errorf("got %+v", got)
	}
}

// F32: a namespace of another cluster is not the one of the same name here.
func TestF32DecideKeepsClustersApart(t *testing.T) {
	p := declare("p1", 1, Rule{Scopes: []string{"read"}, Namespaces: []string{"team-a"}}, Rule{Scopes: []string{"write"}})
	p.Cluster = "c1"
	set := NewSet([]Policy{p})
	here, there := shop(), shop()
	here.Cluster, there.Cluster = "c1", "c2"
	for _, scope := range []string{"read", "write"} {
		if got := set.Decide(here, orders, scope, cc); !got.Granted {
			t.Errorf("%s here: %+v", scope, got)
		}
		if got := set.Decide(there, orders, scope, cc); got.Granted || got.Reason != NotAllowed {
			t.Errorf("%s there: %+v", scope, got)
		}
	}
}

// F31: a policy is widened, then tightened.
func TestF31DecideFollowsThePolicy(t *testing.T) {
	narrow := declare("p1", 1)
	wide := declare("p1", 1, Rule{Scopes: []string{"read"}})
	for i, p := range []Policy{narrow, wide, narrow} {
		got := NewSet([]Policy{p}).Decide(shop(), orders, "read", cc)
		if got.Granted != (i == 1) {
			t.Errorf("step %d: got %+v", i, got)
		}
	}
}

func TestDecideAllocatesNothing(t *testing.T) {
	set, client := busy(), shop()
	for _, scope := range []string{"read", "write", "none"} {
		if n := testing.AllocsPerRun(100, func() { set.Decide(client, orders, scope, cc) }); n != 0 {
			t.Errorf("%s: %v allocations", scope, n)
		}
	}
}

func TestDecideFromManyGoroutines(t *testing.T) {
	set := busy()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if !set.Decide(shop(), orders, "read", cc).Granted {
					t.Error("not granted")
					return
				}
			}
		})
	}
	wg.Wait()
}

// busy returns a set of 200 policies in which the last of 64 rules allows read.
func busy() *Set {
	rules := make([]Rule, 0, MaxRules)
	for i := range MaxRules - 1 {
		rules = append(rules, Rule{Scopes: []string{"read"}, Namespaces: []string{fmt.Sprintf("ns-%d", i)}})
	}
	rules = append(rules, Rule{
		Scopes:            []string{"read"},
		NamespaceSelector: &Selector{MatchExpressions: []Requirement{{Key: "env", Operator: In, Values: []string{"qa", "prod"}}}},
		ClientSelector:    &Selector{MatchLabels: map[string]string{"app": "shop"}},
	})
	policies := []Policy{declare("p", 1, rules...)}
	for i := range 199 {
		p := declare(fmt.Sprintf("p%d", i), 1)
		p.Resource = fmt.Sprintf("https://api-%d.example", i)
		policies = append(policies, p)
	}
	return NewSet(policies)
}

func BenchmarkDecide(b *testing.B) {
	set, client := busy(), shop()
	b.ReportAllocs()
	for b.Loop() {
		set.Decide(client, orders, "read", cc)
	}
}
