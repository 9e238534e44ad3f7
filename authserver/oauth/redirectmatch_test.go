package oauth

import "testing"

func TestA1MatchRedirect(t *testing.T) {
	for name, c := range map[string]struct {
		registered, asked string
		want              bool
	}{
		"the same":                        {"https://app.example/cb", "https://app.example/cb", true},
		"the same, private-use":           {"com.example.app:/cb", "com.example.app:/cb", true},
		"the same, with query":            {"https://app.example/cb?a=b", "https://app.example/cb?a=b", true},
		"another path":                    {"https://app.example/cb", "https://app.example/cb/", false},
		"path is no prefix":               {"https://app.example/cb", "https://app.example/cb/x", false},
		"path in another case":            {"https://app.example/cb", "https://app.example/CB", false},
		"path encoded":                    {"https://app.example/cb", "https://app.example/%63b", false},
		"encoding in another case":        {"https://app.example/%C3", "https://app.example/%c3", false},
		"query added":                     {"https://app.example/cb", "https://app.example/cb?a=b", false},
		"empty query added":               {"https://app.example/cb", "https://app.example/cb?", false},
		"query in another order":          {"https://app.example/cb?a=1&b=2", "https://app.example/cb?b=2&a=1", false},
		"slash for no path":               {"https://app.example", "https://app.example/", false},
		"default port added":              {"https://app.example/cb", "https://app.example:443/cb", false},
		"port on https":                   {"https://app.example:1/cb", "https://app.example:2/cb", false},
		"port on https localhost":         {"https://localhost:1/cb", "https://localhost:2/cb", false},
		"subdomain":                       {"https://app.example/cb", "https://a.app.example/cb", false},
		"host in upper case":              {"https://app.example/cb", "https://APP.example/cb", false},
		"http for https":                  {"https://localhost/cb", "http://localhost/cb", false},
		"loopback, port left free":        {"http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", true},
		"loopback, another port":          {"http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb", true},
		"loopback, port left out":         {"http://127.0.0.1:1/cb", "http://127.0.0.1/cb", true},
		"loopback, IPv6":                  {"http://[::1]:1/cb", "http://[::1]:2/cb", true},
		"loopback, by name":               {"http://localhost:1/cb", "http://localhost:2/cb", true},
		"loopback, slash":                 {"http://localhost/", "http://localhost:33418/", true},
		"loopback, another host":          {"http://localhost/cb", "http://127.0.0.1:1/cb", false},
		"loopback, another family":        {"http://127.0.0.1/cb", "http://[::1]:1/cb", false},
		"loopback, another path":          {"http://127.0.0.1/cb", "http://127.0.0.1:1/cb2", false},
		"loopback, another query":         {"http://127.0.0.1/cb?a=1", "http://127.0.0.1:1/cb?a=2", false},
		"loopback, slash for no path":     {"http://127.0.0.1", "http://127.0.0.1:1/", false},
		"loopback, https asked":           {"http://127.0.0.1/cb", "https://127.0.0.1:1/cb", false},
		"loopback, localhost.evil":        {"http://localhost/cb", "http://localhost.evil:1/cb", false},
		"loopback, userinfo":              {"http://localhost/cb", "http://localhost:1@evil.example/cb", false},
		"loopback, port hides a host":     {"http://127.0.0.1/cb", "http://127.0.0.1:1.evil.example/cb", false},
		"loopback, dot segments":          {"http://127.0.0.1/cb", "http://127.0.0.1:1/x/../cb", false},
		"loopback, fragment":              {"http://127.0.0.1/cb", "http://127.0.0.1:1/cb#x", false},
		"nothing asked":                   {"https://app.example/cb", "", false},
		"invalid, though registered":      {"javascript:alert(1)", "javascript:alert(1)", false},
		"invalid http, though registered": {"http://app.example/cb", "http://app.example/cb", false},
		"invalid registered, on loopback": {"http://u@127.0.0.1/cb", "http://127.0.0.1:1/cb", false},
	} {
		registered := []string{"https://other.example/", c.registered}
		if got := MatchRedirect(registered, c.asked); got != c.want {
			t.Errorf("%s: %q asked of %q: %t", name, c.asked, c.registered, got)
		}
	}
	if MatchRedirect(nil, "https://app.example/cb") {
		t.Error("none registered, and one matches")
	}
}

func TestSelectRedirect(t *testing.T) {
	one, two := []string{"https://a/cb"}, []string{"https://a/cb", "http://localhost/cb"}
	for name, c := range map[string]struct {
		registered []string
		asked      string
		want       string
	}{
		"the one registered":            {one, "", "https://a/cb"},
		"asked for":                     {two, "https://a/cb", "https://a/cb"},
		"with its own port":             {two, "http://localhost:7/cb", "http://localhost:7/cb"},
		"none of several":               {two, "", ""},
		"none at all":                   {nil, "", ""},
		"not registered":                {two, "https://a/other", ""},
		"the one registered is invalid": {[]string{"javascript:x"}, "", ""},
	} {
		got, err := SelectRedirect(c.registered, c.asked)
		if got.String() != c.want || (err == nil) != (c.want != "") || err != nil && CodeOf(err) != CodeInvalidRequest {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}
