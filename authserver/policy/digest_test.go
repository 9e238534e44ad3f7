package policy

import (
	"reflect"
	"slices"
	"testing"

	"clientele.dev/clientele/authserver/oauth/fieldtest"
)

// The digest is kept in stores and compared across versions: another value here
// means that an upgrade pushes every policy again. full and empty are as they were
// before policies knew of users.
func TestDigestIsStable(t *testing.T) {
	for name, c := range map[string]struct {
		policy Policy
		want   string
	}{
		"full":  {full(), "02e18473d98f1f439fb46aed411b512e859c5b9ecf446bb64df117e72575bca5"},
		"wide":  {wide(), "a4ae6960654c729a22c08ef87954b7736187a6e585e3feb84c4ea01eba1fc5f6"},
		"empty": {Policy{}, "7a49135363319872e2f3ca81704584f80cbbb5e73f1068ae39400ee803ef1be2"},
	} {
		if got := c.policy.Digest(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestDigestCoversEveryField(t *testing.T) {
	p := wide()
	p.Allow = p.Allow[:1]
	p.Allow[0].SelfRegistered = true                                               // not valid, but every field is filled
	fieldtest.Digest(t, &p, func() string { return p.Digest() }, "Policy.Cluster") // the server derives it
}

// F23: reordered lists are no change.
func TestF23DigestIgnoresOrder(t *testing.T) {
	twoOfAll := func() Policy {
		p := wide()
		p.Allow[0].Namespaces = []string{"team-a", "team-b"}
		return p
	}
	want := twoOfAll().Digest()
	for name, change := range map[string]func(*Policy){
		"scopes":             func(p *Policy) { slices.Reverse(p.Scopes) },
		"rule's scopes":      func(p *Policy) { slices.Reverse(p.Allow[0].Scopes) },
		"rule's namespaces":  func(p *Policy) { slices.Reverse(p.Allow[0].Namespaces) },
		"roles":              func(p *Policy) { slices.Reverse(p.Scopes[0].Roles) },
		"resource servers":   func(p *Policy) { slices.Reverse(p.ResourceServers) },
		"grantees, repeated": func(p *Policy) { p.Scopes[0].GrantableTo = []Grantee{Users, Users} },
	} {
		p := twoOfAll()
		change(&p)
		if p.Digest() != want {
			t.Errorf("%s: reordering changes the digest", name)
		}
	}
}

// Granted to both is what saying nothing means.
func TestF23DigestIgnoresDefaultsSpelledOut(t *testing.T) {
	stated := full()
	for i := range stated.Scopes {
		stated.Scopes[i].Roles, stated.Scopes[i].GrantableTo = []string{}, []Grantee{Users, Clients}
	}
	stated.ResourceServers = []ResourceServer{}
	if stated.Digest() != full().Digest() {
		t.Error("the digests differ")
	}
}

// A selector that is there but empty selects everything; so does a missing one,
// but they are two things to the policy's owner, and told apart.
func TestDigestTellsAnEmptySelectorFromNone(t *testing.T) {
	empty, none := full(), full()
	empty.Allow[0].ClientSelector, none.Allow[0].ClientSelector = &Selector{}, nil
	if empty.Digest() == none.Digest() {
		t.Error("the digests are equal")
	}
}

func TestNormalizedLeavesItsReceiver(t *testing.T) {
	p, before := wide(), wide()
	slices.Reverse(p.Scopes)
	slices.Reverse(before.Scopes)
	n := p.Normalized()
	if !reflect.DeepEqual(n.Normalized(), n) {
		t.Error("normalizing twice differs")
	}
	if !reflect.DeepEqual(p, before) {
		t.Error("Normalized changed its receiver")
	}
}
