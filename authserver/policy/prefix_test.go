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
		"F32 an empty path is a slash":   {"https://api.example/", "https://api.example", true},
		"slash is part of the prefix":    {"https://api.example/a/", "https://api.example/a", false},
		"every host":                     {"https://", "https://api.example", true},
		"urn":                            {"urn:team-a", "urn:team-a", true},
		"F32 host goes on":               {"https://api.example", "https://api.example.evil", false},
		"F32 user name":                  {"https://api.example", "https://api.example@evil", false},
		"F32 port":                       {"https://api.example", "https://api.example:8443/", false},
		"segment goes on":                {"https://api.example/team-a", "https://api.example/team-abc", false},
		"F32 query after an empty path":  {"https://api.example", "https://api.example?a=/", true},
		"query":                          {"https://api.example/a", "https://api.example/a?b=/", false},
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
