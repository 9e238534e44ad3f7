package policy

import "testing"

func TestMatchPrefix(t *testing.T) {
	for name, c := range map[string]struct {
		prefix, resource string
		want             bool
	}{
		"equal":                          {"https://api.example", "https://api.example", true},
		"continued after a slash":        {"https://api.example", "https://api.example/orders", true},
		"prefix ends with a slash":       {"https://api.example/", "https://api.example/orders", true},
		"slash is part of the prefix":    {"https://api.example/", "https://api.example", false},
		"F32 host goes on":               {"https://api.example", "https://api.example.evil", false},
		"F32 user name":                  {"https://api.example", "https://api.example@evil", false},
		"F32 port":                       {"https://api.example", "https://api.example:8443/", false},
		"segment goes on":                {"https://api.example/team-a", "https://api.example/team-abc", false},
		"query":                          {"https://api.example", "https://api.example?a=/", false},
		"shorter than the prefix":        {"https://api.example/a", "https://api.example", false},
		"case matters":                   {"https://api.example/A", "https://api.example/a", false},
		"empty covers nothing":           {"", "https://api.example", false},
		"empty covers not even a path":   {"", "/a", false},
		"urn is continued by slash only": {"urn:team-a", "urn:team-a:orders", false},
	} {
		if got := MatchPrefix(c.prefix, c.resource); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestOwnership(t *testing.T) {
	mine := func(prefixes ...string) OwnershipRule { return OwnershipRule{prefixes, true} }
	theirs := func(prefixes ...string) OwnershipRule { return OwnershipRule{prefixes, false} }
	const resource = "https://api.example/orders/v1"
	for name, c := range map[string]struct {
		rules []OwnershipRule
		rule  int
		may   bool
	}{
		"no rule":                         {nil, -1, false},
		"none covers it":                  {[]OwnershipRule{mine("https://other.example")}, -1, false},
		"covered, included":               {[]OwnershipRule{mine("https://api.example")}, 0, true},
		"covered, not included":           {[]OwnershipRule{theirs("https://api.example")}, 0, false},
		"longer prefix counts":            {[]OwnershipRule{theirs("https://api.example"), mine("https://api.example/orders")}, 1, true},
		"longer prefix of another":        {[]OwnershipRule{mine("https://api.example"), theirs("https://api.example/orders")}, 1, false},
		"same length: the earlier":        {[]OwnershipRule{mine("https://api.example"), theirs("https://api.example")}, 0, true},
		"same length, other way round":    {[]OwnershipRule{theirs("https://api.example"), mine("https://api.example")}, 0, false},
		"a trailing slash is not longer":  {[]OwnershipRule{theirs("https://api.example"), mine("https://api.example/")}, 0, false},
		"longest within a rule":           {[]OwnershipRule{theirs("https://api.example/orders"), mine("https://api.example", "https://api.example/orders/v1")}, 1, true},
		"longer that does not cover":      {[]OwnershipRule{mine("https://api.example"), theirs("https://api.example/orders/v2/long")}, 0, true},
		"a rule without prefixes is none": {[]OwnershipRule{mine()}, -1, false},
	} {
		rule, may := Ownership(c.rules, resource)
		if rule != c.rule || may != c.may {
			t.Errorf("%s: got %d, %t", name, rule, may)
		}
	}
}
