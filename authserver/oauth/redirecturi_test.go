package oauth

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestParseRedirectURI(t *testing.T) {
	for name, c := range map[string]struct {
		in     string
		kind   RedirectKind
		host   string
		origin string
	}{
		"https":                    {"https://myapp.com/oauth/callback", RedirectWeb, "myapp.com", "https://myapp.com"},
		"https with port":          {"https://app.example:8443/cb", RedirectWeb, "app.example", "https://app.example:8443"},
		"default port":             {"https://app.example:443/cb", RedirectWeb, "app.example", "https://app.example"},
		"no path":                  {"https://app.example", RedirectWeb, "app.example", "https://app.example"},
		"query":                    {"https://app.example/cb?tenant=a&x=%20", RedirectWeb, "app.example", "https://app.example"},
		"query without path":       {"https://app.example?tenant=a", RedirectWeb, "app.example", "https://app.example"},
		"punycode":                 {"https://xn--bcher-kva.example/", RedirectWeb, "xn--bcher-kva.example", "https://xn--bcher-kva.example"},
		"https on localhost":       {"https://localhost:3000/cb", RedirectWeb, "localhost", "https://localhost:3000"},
		"IPv4 by https":            {"https://192.0.2.1/cb", RedirectWeb, "192.0.2.1", "https://192.0.2.1"},
		"IPv6 by https":            {"https://[2001:db8::1]:8443/cb", RedirectWeb, "[2001:db8::1]", "https://[2001:db8::1]:8443"},
		"an at sign in the path":   {"https://app.example/@me", RedirectWeb, "app.example", "https://app.example"},
		"a URL in the query":       {"https://app.example/cb?next=https%3A%2F%2Fapp.example", RedirectWeb, "app.example", "https://app.example"},
		"encoded percent, alone":   {"https://app.example/100%25", RedirectWeb, "app.example", "https://app.example"},
		"loopback":                 {"http://127.0.0.1:33418/", RedirectLoopback, "127.0.0.1", "http://127.0.0.1:33418"},
		"loopback without port":    {"http://127.0.0.1/cb", RedirectLoopback, "127.0.0.1", "http://127.0.0.1"},
		"loopback by IPv6":         {"http://[::1]:5000/cb", RedirectLoopback, "[::1]", "http://[::1]:5000"},
		"loopback by name":         {"http://localhost:6274/oauth/callback", RedirectLoopback, "localhost", "http://localhost:6274"},
		"private-use":              {"com.example.app:/oauth2redirect", RedirectPrivateUse, "com.example.app", "com.example.app:"},
		"private-use, two slashes": {"com.example.app://callback/x?y=z", RedirectPrivateUse, "com.example.app", "com.example.app:"},
		"private-use, three":       {"com.example.app:///callback", RedirectPrivateUse, "com.example.app", "com.example.app:"},
		"longest":                  {"https://a/" + strings.Repeat("a", MaxRedirectURILength-len("https://a/")), RedirectWeb, "a", "https://a"},
	} {
		r, err := ParseRedirectURI(c.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.String() != c.in || r.Kind() != c.kind || r.Host() != c.host || r.Origin() != c.origin {
			t.Errorf("%s: got %q, kind %d, host %q, origin %q", name, r, r.Kind(), r.Host(), r.Origin())
		}
	}
	var zero RedirectURI
	if zero.String() != "" || zero.Kind() != 0 || zero.Host() != "" || zero.Origin() != "" {
		t.Error("the zero value is one")
	}
}

func TestA1ParseRedirectURIRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"empty":                          "",
		"relative":                       "/cb",
		"without scheme":                 "//app.example/cb",
		"scheme forgotten":               "app.example/cb",
		"scheme forgotten, with port":    "app.example:443/cb",
		"scheme only":                    "https:",
		"no host":                        "https:///cb",
		"opaque":                         "https:app.example/cb",
		"one slash":                      "https:/app.example/cb",
		"http":                           "http://app.example/cb",
		"userinfo":                       "https://app.example@evil.example/cb",
		"userinfo with password":         "https://app.example:x@evil.example/cb",
		"userinfo, empty":                "https://@app.example/cb",
		"userinfo, encoded":              "https://app.example%40evil.example/cb",
		"userinfo on loopback":           "http://localhost@evil.example/cb",
		"userinfo, private-use":          "com.example.app://a@b/cb",
		"fragment":                       "https://app.example/cb#a",
		"fragment, empty":                "https://app.example/cb#",
		"backslash":                      `https://app.example\@evil.example/cb`,
		"backslashes for slashes":        `https:\\app.example/cb`,
		"backslash, encoded":             "https://app.example/%5Ccb",
		"control character":              "https://app.example/\ncb",
		"control character, encoded":     "https://app.example/%0d%0aSet-Cookie:x",
		"NUL, encoded":                   "https://app.example/%00",
		"DEL, encoded":                   "https://app.example/cb?x=%7f",
		"tab inside the scheme":          "ht\ttps://app.example",
		"leading space":                  " https://app.example/cb",
		"trailing space":                 "https://app.example/cb ",
		"dot segment":                    "https://app.example/./cb",
		"dot segments":                   "https://app.example/cb/../admin",
		"dot segments at the end":        "https://app.example/cb/..",
		"dot segments, encoded":          "https://app.example/cb/%2e%2E/admin",
		"dot segments, slash encoded":    "https://app.example/cb%2F..%2fadmin",
		"double encoding":                "https://app.example/cb/%252e%252e/admin",
		"double encoding of a slash":     "https://app.example/cb%252Fadmin",
		"double encoding in the query":   "https://app.example/cb?x=%250a",
		"javascript":                     "javascript:alert(1)",
		"upper-case JavaScript":          "JavaScript:alert(1)",
		"javascript with slashes":        "javascript://app.example/%0aalert(1)",
		"data":                           "data:text/html,x",
		"file":                           "file:///etc/passwd",
		"vbscript":                       "vbscript:x",
		"blob":                           "blob:https://app.example/x",
		"scheme in upper case":           "HTTPS://app.example/cb",
		"host in upper case":             "https://App.example/cb",
		"localhost in upper case":        "http://LOCALHOST:1/cb",
		"localhost.evil":                 "http://localhost.evil:8080/cb",
		"localhost with a dot":           "http://localhost./cb",
		"127.0.0.1.evil":                 "http://127.0.0.1.evil/cb",
		"another loopback address":       "http://127.0.0.2/cb",
		"loopback in short":              "http://127.1/cb",
		"loopback as a number":           "http://2130706433/cb",
		"loopback in octal":              "http://0177.0.0.1/cb",
		"loopback in hexadecimal":        "http://0x7f.0.0.1/cb",
		"any address":                    "http://0.0.0.0/cb",
		"IPv6 loopback spelled out":      "http://[0:0:0:0:0:0:0:1]/cb",
		"IPv6 loopback with zone":        "http://[::1%25lo]/cb",
		"IPv4 in IPv6":                   "http://[::ffff:127.0.0.1]/cb",
		"IPv4 in IPv6, https":            "https://[::ffff:127.0.0.1]/cb",
		"IPv6 not in its usual form":     "https://[2001:DB8::1]/cb",
		"bracket left open":              "http://[::1/cb",
		"https number as host":           "https://2130706433/cb",
		"https, last label hexadecimal":  "https://app.0x1/cb",
		"trailing dot":                   "https://app.example./cb",
		"empty label":                    "https://app..example/cb",
		"wildcard":                       "https://*.example/cb",
		"not ASCII":                      "https://bücher.example/cb",
		"host percent-encoded":           "https://%61pp.example/cb",
		"hyphen at the start of a label": "https://-app.example/cb",
		"empty port":                     "https://app.example:/cb",
		"port not a number":              "https://app.example:x/cb",
		"port 0":                         "http://127.0.0.1:0/cb",
		"port too high":                  "http://127.0.0.1:65536/cb",
		"port with zeros":                "http://127.0.0.1:0080/cb",
		"port signed":                    "http://127.0.0.1:+80/cb",
		"bad percent-encoding":           "https://app.example/%zz",
		"cut percent-encoding":           "https://app.example/%2",
		"quote":                          `https://app.example/"onload="`,
		"angle brackets":                 "https://app.example/<script>",
		"the answer's code":              "https://app.example/cb?code=x",
		"the answer's state":             "https://app.example/cb?a=b&state=x",
		"the answer's iss":               "https://app.example/cb?iss=x",
		"the answer's iss, encoded":      "https://app.example/cb?%69ss=x",
		"query with semicolon":           "https://app.example/cb?a=b;state=x",
		"scheme without period":          "myapp:/cb",
		"scheme without period, slashes": "cursor://callback",
		"private-use, upper case":        "com.Example.app:/cb",
		"private-use, opaque":            "com.example.app:cb",
		"private-use, empty":             "com.example.app:",
		"private-use, port":              "com.example.app://host:1/cb",
		"private-use, dot segments":      "com.example.app:/a/../b",
		"private-use, period first":      ".example:/cb",
		"private-use, two periods":       "com..example:/cb",
		"A15 too long":                   "https://a/" + strings.Repeat("a", MaxRedirectURILength),
	} {
		r, err := ParseRedirectURI(in)
		if !errors.Is(err, InvalidRedirectURI("")) || r != (RedirectURI{}) {
			t.Errorf("%s: %q gave %v, %v", name, in, r, err)
		}
	}
}

// Schemes without a period are good where they are permitted, and only if they mean
// nothing to a browser.
func TestPrivateUseSchemes(t *testing.T) {
	for in, c := range map[string]struct {
		schemes []string
		want    bool
	}{
		"cursor://anysphere.cursor-mcp/oauth/callback": {[]string{"vscode", "cursor"}, true},
		"cursor:/callback":               {[]string{"cursor"}, true},
		"cursor:///callback":             {[]string{AnyPrivateUse}, true},
		"code-insiders-2://a":            {[]string{"code-insiders-2"}, true},
		"vscode://cursor":                {[]string{"cursor"}, false},
		"cursors://a":                    {[]string{"cursor"}, false},
		"Cursor://a":                     {[]string{"cursor", "Cursor"}, false},
		"cursor:callback":                {[]string{"cursor"}, false},
		"cursor:":                        {[]string{"cursor"}, false},
		"cursor://a@b/cb":                {[]string{"cursor"}, false},
		"cursor://a/cb#x":                {[]string{"cursor"}, false},
		"cursor://a/cb?code=x":           {[]string{"cursor"}, false},
		"cursor://a:1/cb":                {[]string{"cursor"}, false},
		"javascript://a/%0aalert":        {[]string{"javascript", AnyPrivateUse}, false},
		"data:/x":                        {[]string{"data", AnyPrivateUse}, false},
		"http://app.example/cb":          {[]string{"http", AnyPrivateUse}, false},
		"ms-msdt:/id":                    {[]string{"ms-msdt", AnyPrivateUse}, false},
		"web+app://a":                    {[]string{"web+app", AnyPrivateUse}, false},
		"7zip://a":                       {[]string{"7zip", AnyPrivateUse}, false},
		"-a://a":                         {[]string{AnyPrivateUse}, false},
		"a-://a":                         {[]string{AnyPrivateUse}, false},
		strings.Repeat("a", 64) + "://a": {[]string{AnyPrivateUse}, false},
	} {
		r, err := ParseRedirectURI(in, c.schemes...)
		if (err == nil) != c.want || c.want && (r.Kind() != RedirectPrivateUse || r.String() != in || r.Host()+":" != r.Origin()) {
			t.Errorf("%s with %q: %+v, %v", in, c.schemes, r, err)
		}
		if MatchRedirect([]string{in}, in, c.schemes...) != c.want || MatchRedirect([]string{in}, in) {
			t.Errorf("%s with %q: matches, although it is not permitted, or does not", in, c.schemes)
		}
	}
	registered := []string{"cursor://a/cb"}
	if uri, err := SelectRedirect(registered, "", "cursor"); err != nil || uri.Host() != "cursor" {
		t.Errorf("%v, %v", uri, err)
	}
	if _, err := SelectRedirect(registered, ""); CodeOf(err) != CodeInvalidRequest {
		t.Errorf("a scheme that is not permitted any more: %v", err)
	}
	public := Registration{TokenEndpointAuthMethod: AuthNone, Managed: &Managed{Trusted: true}}
	if to, _ := ParseRedirectURI(registered[0], "cursor"); public.RemembersConsent(to) || public.SkipsConsent(to) {
		t.Error("nobody is asked")
	}
}

// F36: what was sent may be secret; it is not in the error.
func TestF36RedirectErrorsDoNotRepeatTheURI(t *testing.T) {
	for _, in := range []string{"http://planted/planted", "https://planted@a/", "https://a/planted#x", "planted", "https://a/?state=planted"} {
		if _, err := ParseRedirectURI(in); err == nil || strings.Contains(err.Error(), "planted") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestLocation(t *testing.T) {
	answer := url.Values{"state": {"a b&c=d#"}, "code": {"x"}, "iss": {"https://i.example"}}
	const encoded = "code=x&iss=https%3A%2F%2Fi.example&state=a+b%26c%3Dd%23"
	for in, want := range map[string]string{
		"https://a/cb":        "https://a/cb?" + encoded,
		"https://a":           "https://a?" + encoded,
		"https://a/cb?":       "https://a/cb?" + encoded,
		"https://a/cb?x=y":    "https://a/cb?x=y&" + encoded,
		"https://a/cb?x=y&":   "https://a/cb?x=y&" + encoded,
		"com.example.app:/cb": "com.example.app:/cb?" + encoded,
	} {
		r, err := ParseRedirectURI(in)
		if err != nil || r.Location(answer) != want {
			t.Errorf("%s: got %s, %v", in, r.Location(answer), err)
		}
		if r.Location(nil) != in {
			t.Errorf("%s: no parameters gave %s", in, r.Location(nil))
		}
	}
}

func FuzzRedirectURI(f *testing.F) {
	for _, seed := range []string{
		"https://a/cb", "http://127.0.0.1:1/cb?x", "http://[::1]/", "com.example.app:/cb", "com.example.app://a/b",
		"https://a@b/", "https://a:443", "HTTP://a", "javascript:x", "https://a/%2e%2e", "https://a/%252e", `https:\\a`, "https://a?x=y;z",
	} {
		f.Add(seed, "https://a/cb")
	}
	f.Fuzz(func(t *testing.T, asked, registered string) {
		r, err := ParseRedirectURI(asked)
		if err != nil {
			if CodeOf(err) != CodeInvalidRedirectURI || MatchRedirect([]string{asked}, asked) {
				t.Fatalf("%q: %v", asked, err)
			}
			return
		}
		u, parseErr := url.Parse(asked)
		if parseErr != nil || u.User != nil || u.Fragment != "" || u.Opaque != "" || strings.ContainsAny(asked, "#\\\"<> \r\n\t") {
			t.Fatalf("%q was accepted: %+v, %v", asked, u, parseErr)
		}
		switch r.Kind() {
		case RedirectWeb:
			if u.Scheme != "https" || r.Host() == "" {
				t.Fatalf("%q is web", asked)
			}
		case RedirectLoopback:
			if h := u.Hostname(); u.Scheme != "http" || h != "127.0.0.1" && h != "::1" && h != "localhost" {
				t.Fatalf("%q is loopback", asked)
			}
		case RedirectPrivateUse:
			if !strings.Contains(u.Scheme, ".") {
				t.Fatalf("%q is private-use", asked)
			}
		default:
			t.Fatalf("%q is nothing", asked)
		}
		if !MatchRedirect([]string{asked}, asked) {
			t.Fatalf("%q does not match itself", asked)
		}
		if MatchRedirect([]string{registered}, asked) && registered != asked {
			other, err := url.Parse(registered)
			if err != nil || r.Kind() != RedirectLoopback || other.Hostname() != u.Hostname() || other.RequestURI() != u.RequestURI() {
				t.Fatalf("%q matches %q", asked, registered)
			}
		}
		back, err := url.Parse(r.Location(url.Values{"code": {"c"}, "state": {asked}}))
		if err != nil || back.Host != u.Host || back.Query().Get("code") != "c" || back.Query().Get("state") != asked {
			t.Fatalf("%q: the answer goes to %v (%v)", asked, back, err)
		}
	})
}
