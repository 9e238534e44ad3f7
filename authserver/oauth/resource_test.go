package oauth

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestValidResource(t *testing.T) {
	for _, in := range []string{
		"https://api.example",
		"https://api.example/",
		"https://api.example/orders/v1",
		"https://api.example:8443/orders",
		"http://127.0.0.1:8080",
		"https://[2001:db8::1]/x",
		"https://api.example/a?tenant=1",
		"https://api.example/a%20b",
		"https://api.example/..a/.well-known",
		"https://xn--bcher-kva.example",
		"urn:example:orders",
		"api:orders/read",
		"https://a/" + strings.Repeat("a", MaxResourceLength-len("https://a/")),
	} {
		if err := ValidResource(in); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestValidResourceRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"empty":                  "",
		"relative path":          "/orders",
		"relative name":          "orders",
		"scheme only":            "https:",
		"no host":                "https:///orders",
		"host missing, opaque":   "https:orders",
		"port without host":      "https://:8443/",
		"fragment":               "https://api.example/#a",
		"empty fragment":         "https://api.example/#",
		"space":                  "https://api.example/a b",
		"control character":      "https://api.example/\n",
		"backslash":              `https://api.example\@evil.example`,
		"quote":                  `https://api.example/"`,
		"angle brackets":         "https://api.example/<script>",
		"not ASCII":              "https://bücher.example",
		"percent-encoded host":   "https://b%C3%BCcher.example",
		"bad percent-encoding":   "https://api.example/%zz",
		"cut percent-encoding":   "urn:a%2",
		"user name":              "https://api.example@evil.example/",
		"empty user name":        "https://@evil.example/",
		"upper-case scheme":      "HTTPS://api.example",
		"upper-case host":        "https://API.example",
		"default port":           "https://api.example:443/",
		"default port, http":     "http://api.example:80",
		"empty port":             "https://api.example:/",
		"port not a number":      "https://api.example:x/",
		"dot segment":            "https://api.example/./a",
		"dot segments":           "https://api.example/team-a/../team-b",
		"dot segments at end":    "https://api.example/a/..",
		"dot segments, encoded":  "https://api.example/a/%2e%2E/b",
		"slash and dots encoded": "https://api.example/a%2F..%2fb",
		"dots encoded twice":     "https://api.example/a/%252e%252e/b",
		"dots in opaque part":    "urn:a/../b",
		"A15 too long":           "https://a/" + strings.Repeat("a", MaxResourceLength),
	} {
		if err := ValidResource(in); !errors.Is(err, InvalidTarget("")) {
			t.Errorf("%s: %q gave %v", name, in, err)
		}
	}
}

// B3, B25: a request may spell a resource otherwise; what becomes aud is as declared.
func TestB3FindResource(t *testing.T) {
	declared := []string{"https://orders.example", "https://billing.example/", "https://api.example/v1", "https://both.example/", "https://both.example", "urn:example:a", "https://[2001:db8::443]:8443"}
	for named, want := range map[string]string{
		"https://orders.example":        "https://orders.example",
		"https://orders.example/":       "https://orders.example",
		"HTTPS://Orders.EXAMPLE":        "https://orders.example",
		"https://orders.example:443/":   "https://orders.example",
		"https://billing.example":       "https://billing.example/",
		"https://both.example":          "https://both.example",
		"https://both.example/":         "https://both.example/",
		"https://API.example/v1":        "https://api.example/v1",
		"https://[2001:DB8::443]:8443/": "https://[2001:db8::443]:8443",
		"URN:example:a":                 "urn:example:a",
		"https://api.example/v1/":       "",
		"https://api.example/V1":        "",
		"https://api.example":           "",
		"http://orders.example":         "",
		"http://orders.example:443":     "",
		"https://orders.example:8443":   "",
		"https://orders.example//":      "",
		"https://orders.example/?":      "",
		"https://orders.example@evil/":  "",
		"https://evil/orders.example":   "",
		"urn:EXAMPLE:a":                 "",
		"https://\u212aorders.example":  "",
		"orders.example":                "",
		"":                              "",
	} {
		if got, found := FindResource(declared, named); got != want || found != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", named, got, found, want)
		}
	}
}

func TestEffectiveResources(t *testing.T) {
	const server = "https://issuer.example"
	if got := EffectiveResources(nil, server); !slices.Equal(got, []string{server}) {
		t.Errorf("none registered: %q", got)
	}
	if got := EffectiveResources([]string{"b", "a"}, server); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("registered ones: %q", got)
	}
}

func TestDefaultTarget(t *testing.T) {
	const server = "https://issuer.example"
	for name, c := range map[string]struct {
		registered []string
		want       string
	}{
		"none registered: the server's":           {nil, server},
		"the first":                               {[]string{"https://b", "https://a"}, "https://b"},
		"the first, also beside the server's own": {[]string{"https://b", server}, "https://b"},
	} {
		if got := DefaultTarget(c.registered, server); got != c.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func FuzzValidResource(f *testing.F) {
	for _, seed := range []string{"https://a", "urn:a:b", "https://a/../b", "https://a@b", "HTTPS://a", "https://a/%2e%2e", "a:", ":", "https://[::1]:1/", "%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		err := ValidResource(in)
		if err != nil {
			if !errors.Is(err, InvalidTarget("")) {
				t.Fatalf("%q: %v", in, err)
			}
			return
		}
		u, parseErr := url.Parse(in)
		if parseErr != nil || !u.IsAbs() || u.Fragment != "" || u.User != nil || strings.ContainsAny(in, "# \\\"<>\r\n") {
			t.Fatalf("%q was accepted: %+v, %v", in, u, parseErr)
		}
		// Resolving it must not lead elsewhere: what is compared as text is the
		// same place for a program that normalizes.
		if u.Opaque == "" && u.Path != "" && u.ResolveReference(&url.URL{}).Host != u.Host {
			t.Fatalf("%q: host changes", in)
		}
	})
}
