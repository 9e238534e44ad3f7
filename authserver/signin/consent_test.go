package signin

import (
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/policy"
)

func TestConsentInWords(t *testing.T) {
	set := policy.NewSet([]policy.Policy{{UID: "u", Namespace: "n", Name: "p", Resource: "https://api.example", Scopes: []policy.Scope{
		{Name: "read", Description: "Read your calendar"}, {Name: "write"},
	}}})
	got := Describe(set, "https://api.example", words("openid read write"), words("write"))
	want := []ScopeText{{"write", "", false, false}, {"openid", identityScopes["openid"], true, true}, {"read", "Read your calendar", true, false}}
	if len(got) != len(want) {
		t.Fatalf("got %v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: got %v, want %v", i, got[i], want[i])
		}
	}
}

func words(s string) []string { return strings.Fields(s) }
