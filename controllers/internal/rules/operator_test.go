package rules

import (
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
)

// Of two operators at most one has an object, but for a default that both claim and
// neither has yet.
func TestOneOperatorHasAnObject(t *testing.T) {
	a := Operator{Namespace: "a", ServerNamespaces: []string{"a", "auth"}, ClaimDefault: true}
	b := Operator{Namespace: "b", ServerNamespaces: []string{"b"}}
	in := func(namespace string) *v1alpha1.ServerReference {
		return &v1alpha1.ServerReference{Namespace: namespace, Name: "default"}
	}
	for _, tc := range []struct {
		name         string
		spec, status *v1alpha1.ServerReference
		a, b         string // the server, where it is the operator's
		unserved     bool   // for a
	}{
		{"fresh, no serverRef", nil, nil, "a/default", "", false},
		{"no serverRef, a has it", nil, in("a"), "a/default", "", false},
		{"no serverRef, b has it", nil, in("b"), "", "b/default", false},
		{"fresh, a name only", in(""), nil, "a/default", "", false},
		{"a name only, b has it", in(""), in("b"), "", "b/default", false},
		{"a's", in("auth"), nil, "auth/default", "", false},
		{"b's", in("b"), nil, "", "b/default", true},
		{"b's, b has it", in("b"), in("b"), "", "b/default", false},
		{"of neither", in("elsewhere"), nil, "", "", true},
		{"of neither, and that was said", in("elsewhere"), in("elsewhere"), "", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, op := range []struct {
				Operator
				want string
			}{{a, tc.a}, {b, tc.b}} {
				key, mine := op.Server(tc.spec, tc.status)
				got := ""
				if mine {
					got = key.String()
				}
				if got != op.want {
					t.Errorf("operator %s has it at %q, want %q", op.Namespace, got, op.want)
				}
			}
			if got := a.Unserved(tc.spec, tc.status); got != tc.unserved {
				t.Errorf("unserved = %v", got)
			}
		})
	}
	if key, mine := a.Server(nil, in("b")); mine || key.String() != "b/default" {
		t.Errorf("what b has is indexed as %s (mine: %v)", key, mine)
	}
}
