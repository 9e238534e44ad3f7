package policy

import (
	"slices"
	"testing"
)

func TestOldestDeclarationStands(t *testing.T) {
	for name, c := range map[string]struct {
		policies []Policy
		stands   string
	}{
		"older first":       {[]Policy{declare("p1", 1), declare("p2", 2)}, "p1"},
		"older last":        {[]Policy{declare("p2", 2), declare("p1", 1)}, "p1"},
		"same age: by uid":  {[]Policy{declare("b", 1), declare("a", 1)}, "a"},
		"uid does not beat": {[]Policy{declare("a", 2), declare("b", 1)}, "b"},
	} {
		for i := range c.policies {
			c.policies[i].Scopes[0].Description = c.policies[i].UID
		}
		set := NewSet(c.policies)
		if s, ok := set.Declaration(orders, "read"); !ok || s.Description != c.stands {
			t.Errorf("%s: got %+v", name, s)
		}
		if got := set.Conflicts(c.stands); got != nil {
			t.Errorf("%s: the older one has conflicts: %+v", name, got)
		}
	}
}

func TestConflictsInsideANamespace(t *testing.T) {
	p1, p2, p3 := declare("p1", 1), declare("p2", 2), declare("p3", 3)
	p1.Scopes = p1.Scopes[:1] // read only
	p3.Resource = "https://billing.example"
	set := NewSet([]Policy{p3, p2, p1})
	want := []Conflict{{Scope: "read", Policy: "orders/p1"}}
	if got := set.Conflicts("p2"); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	for _, uid := range []string{"p1", "p3", "unknown"} {
		if got := set.Conflicts(uid); got != nil {
			t.Errorf("%s: got %+v", uid, got)
		}
	}
}

func TestRulesAddUpInsideANamespace(t *testing.T) {
	older := declare("p1", 1, Rule{Scopes: []string{"read"}, Namespaces: []string{"team-b"}})
	younger := declare("p2", 2, Rule{Scopes: []string{"read"}, Namespaces: []string{"team-a"}})
	got := NewSet([]Policy{older, younger}).Decide(shop(), orders, "read", cc)
	if !got.Granted || got.Policy != "orders/p2" {
		t.Errorf("got %+v", got)
	}
}

// F32: a tenant declares another's resource, or a new scope of it, and allows
// itself what it likes.
func TestF32AnotherNamespacesResourceIsNotToBeHad(t *testing.T) {
	theirs := declare("p1", 1)
	evil := declare("p2", 2, Rule{Scopes: []string{"read", "admin"}})
	evil.Namespace = "team-a"
	evil.Scopes = []Scope{{Name: "read"}, {Name: "admin"}}
	set := NewSet([]Policy{evil, theirs})
	if got := set.Decide(shop(), orders, "read", cc); got.Granted || got.Policy != "orders/p1" {
		t.Errorf("read: got %+v", got)
	}
	if got := set.Decide(shop(), orders, "admin", cc); got.Reason != NotDeclared {
		t.Errorf("admin: got %+v", got)
	}
	want := []Conflict{{"read", "orders/p1", true}, {"admin", "orders/p1", true}}
	if got := set.Conflicts("p2"); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

// F32: a resource with an empty path is the one with a slash (RFC 3986, Section 6.2.3),
// and has the same owner.
func TestF32AnotherSpellingIsNotToBeHad(t *testing.T) {
	theirs, evil := declare("p1", 1), declare("p2", 2, Rule{Scopes: []string{"read"}})
	evil.Namespace, evil.Resource = "evil", evil.Resource+"/"
	if got := NewSet([]Policy{theirs, evil}).Decide(shop(), evil.Resource, "read", cc); got.Granted {
		t.Errorf("got %+v", got)
	}
}

// F32: the namespace of the same name in another cluster is another owner.
func TestF32AnotherClustersResourceIsNotToBeHad(t *testing.T) {
	evil := declare("p2", 2, Rule{Scopes: []string{"read"}})
	evil.Cluster = "another"
	set := NewSet([]Policy{declare("p1", 1), evil})
	client := shop()
	for _, client.Cluster = range []string{"", "another"} {
		if got := set.Decide(client, orders, "read", cc); got.Granted {
			t.Errorf("cluster %q: got %+v", client.Cluster, got)
		}
	}
	if got := set.Conflicts("p2"); len(got) != 2 || !got[0].Elsewhere {
		t.Errorf("got %+v", got)
	}
}

// A rule speaks of its own policy's scopes; Validate refuses others, and a policy
// that came past it grants nothing by them.
func TestRuleForAScopeOfAnotherPolicyGrantsNothing(t *testing.T) {
	younger := declare("p2", 2, Rule{Scopes: []string{"read"}})
	younger.Scopes = []Scope{{Name: "other"}}
	set := NewSet([]Policy{declare("p1", 1), younger})
	if got := set.Decide(shop(), orders, "read", cc); got.Granted {
		t.Errorf("got %+v", got)
	}
}

func TestConflictsAreTheCallersCopy(t *testing.T) {
	set := NewSet([]Policy{declare("p1", 1), declare("p2", 2)})
	set.Conflicts("p2")[0].Scope = "changed"
	if set.Conflicts("p2")[0].Scope != "read" {
		t.Error("the set was changed through its answer")
	}
	if (*Set)(nil).Conflicts("p2") != nil {
		t.Error("nil has conflicts")
	}
}
