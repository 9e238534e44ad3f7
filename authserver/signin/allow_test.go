package signin

import (
	"strings"
	"testing"
)

// B14: not everyone with an account at a provider is allowed.
func TestB14WhoIsAllowedAtAProvider(t *testing.T) {
	domains := Allow{Domains: []string{"corp.example", "Sub.Corp.Example"}}
	hd := Allow{Claims: []AllowedClaim{{"hd", []string{"corp.example", "lab.example"}}}}
	groups := Allow{Groups: []string{"staff", "guests"}}
	for name, c := range map[string]struct {
		allow  Allow
		claims claimSet
		want   string // in the reason; empty: allowed
	}{
		"everyone":                       {Allow{}, claimSet{}, ""},
		"domain":                         {domains, claimSet{"email": "ada@corp.example", "email_verified": true}, ""},
		"domain in other case":           {domains, claimSet{"email": "ada@sub.CORP.example", "email_verified": "true"}, ""},
		"another domain":                 {domains, claimSet{"email": "ada@evil.example", "email_verified": true}, `domain "evil.example" is not listed`},
		"a domain below":                 {domains, claimSet{"email": "ada@a.corp.example", "email_verified": true}, "is not listed"},
		"a domain that ends alike":       {domains, claimSet{"email": "ada@evilcorp.example", "email_verified": true}, "is not listed"},
		"two at signs":                   {domains, claimSet{"email": "a@corp.example@evil.example", "email_verified": true}, "is not listed"},
		"a letter that folds to ASCII":   {Allow{Domains: []string{"kiwi.example"}}, claimSet{"email": "ada@\u212aiwi.example", "email_verified": true}, "is not listed"},
		"not verified":                   {domains, claimSet{"email": "ada@corp.example"}, "not verified"},
		"not verified, said so":          {domains, claimSet{"email": "ada@corp.example", "email_verified": false}, "not verified"},
		"no address":                     {domains, claimSet{"email_verified": true}, "no e-mail address"},
		"an address that is no text":     {domains, claimSet{"email": []any{"ada@corp.example"}, "email_verified": true}, "no e-mail address"},
		"claim":                          {hd, claimSet{"hd": "lab.example"}, ""},
		"claim as a list":                {hd, claimSet{"hd": []any{"x", "lab.example"}}, ""},
		"another value":                  {hd, claimSet{"hd": "evil.example"}, "claim hd has none"},
		"no claim":                       {hd, claimSet{}, "claim hd is missing"},
		"claim that cannot be read":      {hd, claimSet{"hd": map[string]any{"corp.example": true}}, "claim hd is not text"},
		"claim inside an object":         {Allow{Claims: []AllowedClaim{{"org.employee", []string{"true"}}}}, claimSet{"org": map[string]any{"employee": true}}, ""},
		"group":                          {groups, claimSet{"groups": []any{"x", "staff"}}, ""},
		"no group":                       {groups, claimSet{"groups": []any{}}, "groups has none"},
		"group as text":                  {groups, claimSet{"groups": "staff"}, ""},
		"part of a group's name":         {groups, claimSet{"groups": "staff guests"}, "groups has none"},
		"group and claim, one is missed": {Allow{Groups: groups.Groups, Claims: hd.Claims}, claimSet{"groups": "staff"}, "claim hd"},
	} {
		if got := c.allow.check(ClaimMapping{}, c.claims); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	many := make([]any, 0, 2*maxClaims)
	for range 2 * maxClaims {
		many = append(many, "other")
	}
	if got := groups.check(ClaimMapping{Groups: "roles"}, claimSet{"roles": append(many, "guests")}); got != "" {
		t.Errorf("the last of many groups: %s", got)
	}
}
