package policy

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"clientele.dev/clientele/authserver/oauth/fieldtest"
)

// The digest is kept in stores and compared across versions: another value here
// means that an upgrade pushes every policy again.
func TestDigestIsStable(t *testing.T) {
	for name, c := range map[string]struct {
		policy Policy
		want   string
	}{
		"full":  {full(), "02e18473d98f1f439fb46aed411b512e859c5b9ecf446bb64df117e72575bca5"},
		"empty": {Policy{}, "7a49135363319872e2f3ca81704584f80cbbb5e73f1068ae39400ee803ef1be2"},
	} {
		if got := c.policy.Digest(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestDigestCoversEveryField(t *testing.T) {
	excluded := map[string]bool{"Policy.Cluster": true} // the server derives it
	p := full()
	base := p.Digest()
	seen := map[string]string{base: "nothing"}
	fieldtest.Each(t, &p, func(path string) {
		digest := p.Digest()
		if excluded[path] {
			if digest != base {
				t.Errorf("%s changes the digest", path)
			}
			delete(excluded, path)
			return
		}
		if other, ok := seen[digest]; ok {
			t.Errorf("changing %s gives the same digest as changing %s", path, other)
		}
		seen[digest] = path
	})
	if len(excluded) > 0 {
		t.Errorf("never visited: %v", slices.Collect(maps.Keys(excluded)))
	}
}

// F23: reordered lists are no change.
func TestF23DigestIgnoresOrder(t *testing.T) {
	wide := func() Policy {
		p := full()
		p.Allow[0].Namespaces = []string{"team-a", "team-b"}
		return p
	}
	want := wide().Digest()
	for name, change := range map[string]func(*Policy){
		"scopes":            func(p *Policy) { slices.Reverse(p.Scopes) },
		"rule's scopes":     func(p *Policy) { slices.Reverse(p.Allow[0].Scopes) },
		"rule's namespaces": func(p *Policy) { slices.Reverse(p.Allow[0].Namespaces) },
	} {
		p := wide()
		change(&p)
		if p.Digest() != want {
			t.Errorf("%s: reordering changes the digest", name)
		}
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
	p, before := full(), full()
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
