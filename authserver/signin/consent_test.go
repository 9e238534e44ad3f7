package signin

import (
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/policy"
)

func TestConsentRules(t *testing.T) {
	registered := words("openid read write admin")
	allowed := func(scope string) bool { return scope == "openid" || scope == "read" || scope == "write" } // admin needs a role
	for name, c := range map[string]struct {
		request                  Request
		grantable, withheld, new string
		ask                      bool
	}{
		"first time":             {Request{Asked: words("read")}, "read", "", "read", true},
		"nothing asked: all":     {Request{}, "openid read write", "admin", "openid read write", true},
		"not registered":         {Request{Asked: words("read delete")}, "read", "delete", "read", true},
		"not allowed":            {Request{Asked: words("read admin")}, "read", "admin", "read", true},
		"nothing grantable":      {Request{Asked: words("admin")}, "", "admin", "", false},
		"all remembered":         {Request{Asked: words("read write"), Remembered: words("openid read write")}, "read write", "", "", false},
		"one is new":             {Request{Asked: words("read write"), Remembered: words("read")}, "read write", "", "write", true},
		"remembered, withdrawn":  {Request{Asked: words("admin"), Remembered: words("admin")}, "", "admin", "", false},
		"remembered, ask again":  {Request{Asked: words("read"), Remembered: words("read"), AskAgain: true}, "read", "", "", true},
		"trusted":                {Request{Asked: words("read admin"), Trusted: true}, "read", "admin", "read", false},
		"trusted, ask again":     {Request{Asked: words("read"), Trusted: true, AskAgain: true}, "read", "", "read", false},
		"OpenID's, unregistered": {Request{Asked: words("email")}, "", "email", "", false},
		"twice":                  {Request{Asked: words("read read admin admin")}, "read", "admin", "read", true},
	} {
		t.Run(name, func(t *testing.T) {
			c.request.Registered, c.request.Allowed = registered, allowed
			v := c.request.Judge()
			if got := strings.Join(v.Grantable, " "); got != c.grantable {
				t.Errorf("grantable %q, want %q", got, c.grantable)
			}
			if got := strings.Join(v.Withheld, " "); got != c.withheld {
				t.Errorf("withheld %q, want %q", got, c.withheld)
			}
			if got := strings.Join(v.New, " "); got != c.new || v.Ask != c.ask {
				t.Errorf("new %q, ask %v; want %q, %v", got, v.Ask, c.new, c.ask)
			}
		})
	}
	if v := (Request{Registered: registered, Asked: words("read")}).Judge(); len(v.Grantable) != 0 {
		t.Error("without a policy something is granted")
	}
}

func TestConsentInWords(t *testing.T) {
	set := policy.NewSet([]policy.Policy{{UID: "u", Namespace: "n", Name: "p", Resource: "https://api.example", Scopes: []policy.Scope{
		{Name: "read", Description: "Read your calendar"}, {Name: "write"},
	}}})
	v := Verdict{Grantable: words("openid read write"), New: words("write")}
	got := v.Describe(set, "https://api.example")
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
