package oauth

import (
	"strings"
	"testing"
)

func TestLabelGrammar(t *testing.T) {
	n63, n64 := strings.Repeat("a", 63), strings.Repeat("a", 64)
	for name, c := range map[string]struct {
		valid func(string) bool
		good  []string
		bad   []string
	}{
		"label key": {ValidLabelKey,
			[]string{"a", "A.b_c-1", "kubernetes.io/metadata.name", "x/A", n63, strings.Repeat("a", 253) + "/" + n63},
			[]string{"", "/", "/a", "a/", "a/b/c", "-a", "a-", "a b", "é", n64, "A/b", "-x/b", "a..b/c", strings.Repeat("a", 254) + "/b"}},
		"label value": {ValidLabelValue,
			[]string{"", "a", "A.b_c-1", n63},
			[]string{" ", "-a", "a.", "a/b", "é", n64, "a\n"}},
		"namespace": {ValidNamespace,
			[]string{"a", "team-a", "0", n63},
			[]string{"", "A", "a.b", "-a", "a-", "a_b", n64, "a\n"}},
		"object name": {ValidSubdomain,
			[]string{"a", "a.b-c", n64, strings.Repeat("a", 253)},
			[]string{"", ".", "a.", ".a", "a..b", "A", "a/b", "a.-b", strings.Repeat("a", 254)}},
		"uid": {ValidUID,
			[]string{"f2c7c9b0-8a6c-4f43-9f1a-3b8e0f8c8a11", "u1", strings.Repeat("a", 128)},
			[]string{"", "a b", "a/b", "a'b", strings.Repeat("a", 129)}},
		"client id": {ValidClientID,
			[]string{"a", "team-a.app", "A_z~9", strings.Repeat("a", 255)},
			[]string{"", "a b", "a%2Eb", "a:b", "a/b", "é", strings.Repeat("a", 256)}},
	} {
		for _, in := range c.good {
			if !c.valid(in) {
				t.Errorf("%s: %q is refused", name, in)
			}
		}
		for _, in := range c.bad {
			if c.valid(in) {
				t.Errorf("%s: %q is accepted", name, in)
			}
		}
	}
}
