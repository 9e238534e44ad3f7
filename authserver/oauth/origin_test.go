package oauth

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestValidOrigin(t *testing.T) {
	for _, in := range []string{
		"https://app.example", "https://app.example:8443", "https://xn--bcher-kva.example",
		"http://localhost:5173", "http://127.0.0.1", "http://[::1]:3000", "https://192.0.2.1",
	} {
		if err := ValidOrigin(in); err != nil || !MatchOrigin([]string{"https://other.example", in}, in) {
			t.Errorf("%q: %v", in, err)
		}
	}
	for name, in := range map[string]string{
		"empty":                 "",
		"null":                  "null",
		"every one":             "*",
		"pattern":               "https://*.example",
		"slash at the end":      "https://app.example/",
		"path":                  "https://app.example/a",
		"query":                 "https://app.example?a",
		"fragment":              "https://app.example#a",
		"default port":          "https://app.example:443",
		"default port, http":    "http://localhost:80",
		"http":                  "http://app.example",
		"http localhost.evil":   "http://localhost.evil",
		"user name":             "https://a@app.example",
		"scheme in upper case":  "HTTPS://app.example",
		"host in upper case":    "https://APP.example",
		"trailing dot":          "https://app.example.",
		"no host":               "https://",
		"no scheme":             "app.example",
		"extension":             "chrome-extension://abc",
		"file":                  "file://",
		"header injection":      "https://app.example\r\nX: y",
		"two":                   "https://a.example https://b.example",
		"loopback as a number":  "http://2130706433",
		"A15 too long":          "https://" + strings.Repeat("a.", 200) + "example",
		"trailing space":        "https://app.example ",
		"backslash for a slash": `https:/\app.example`,
	} {
		if err := ValidOrigin(in); !errors.Is(err, InvalidClientMetadata("")) {
			t.Errorf("%s: %q gave %v", name, in, err)
		}
		if MatchOrigin([]string{in}, in) {
			t.Errorf("%s: %q matches, since it was registered", name, in)
		}
	}
}

func TestAllowsOrigin(t *testing.T) {
	redirects := []string{"https://app.example/cb", "http://localhost:6274/cb", "com.example.app:/cb", "https://d.example:443/"}
	for name, c := range map[string]struct {
		method  AuthMethod
		origins []string
		origin  string
		want    bool
	}{
		"registered":                             {AuthNone, []string{"https://spa.example"}, "https://spa.example", true},
		"registered by a confidential client":    {AuthClientSecretBasic, []string{"https://spa.example"}, "https://spa.example", true},
		"not registered":                         {AuthNone, []string{"https://spa.example"}, "https://evil.example", false},
		"redirect's, but others are registered":  {AuthNone, []string{"https://spa.example"}, "https://app.example", false},
		"redirect's":                             {AuthNone, nil, "https://app.example", true},
		"redirect's, default port left out":      {AuthNone, nil, "https://d.example", true},
		"redirect's, on loopback":                {AuthNone, nil, "http://localhost:6274", true},
		"redirect's, another port":               {AuthNone, nil, "http://localhost:6275", false},
		"redirect's, another scheme":             {AuthNone, nil, "http://app.example", false},
		"redirect's, private-use":                {AuthNone, nil, "com.example.app:", false},
		"redirect's, of a confidential client":   {AuthClientSecretBasic, nil, "https://app.example", false},
		"redirect's, subdomain":                  {AuthNone, nil, "https://a.app.example", false},
		"null":                                   {AuthNone, nil, "null", false},
		"none":                                   {AuthNone, nil, "", false},
		"method left out: confidential (no one)": {"", nil, "https://app.example", false},
	} {
		r := Registration{TokenEndpointAuthMethod: c.method, RedirectURIs: redirects, Origins: c.origins}
		if got := r.AllowsOrigin(c.origin); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func FuzzOrigin(f *testing.F) {
	for _, seed := range []string{"https://a", "http://[::1]:1", "null", "*", "https://a/", "https://a:443", "https://a@b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		err := ValidOrigin(in)
		if err != nil {
			if CodeOf(err) != CodeInvalidClientMetadata {
				t.Fatalf("%q: %v", in, err)
			}
			return
		}
		u, parseErr := url.Parse(in)
		if parseErr != nil || u.Scheme+"://"+u.Host != in || strings.ContainsAny(in, " *\r\n,") {
			t.Fatalf("%q was accepted: %+v, %v", in, u, parseErr)
		}
	})
}
