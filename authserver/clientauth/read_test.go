package clientauth_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/clientauth"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
)

func basic(text string) []string {
	return []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(text))}
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		rule       string
		header     []string
		form       string
		id, secret string
		method     oauth.AuthMethod // empty: not looked at
		code       oauth.Code
	}{
		{"basic", basic("a.b:s"), "", "a.b", "s", "", ""},
		{"scheme in any case (RFC 9110, Section 11.1)", []string{"bAsIc YTpi"}, "", "a", "b", "", ""},
		{"form-urlencoded first (RFC 6749, Section 2.3.1)", basic("a%2Eb:s%2B+x%3A"), "", "a.b", "s+ x:", "", ""},
		{"a colon in the secret", basic("a:b:c"), "", "a", "b:c", "", ""},
		{"not form-urlencoded", basic("a:%zz"), "", "", "", "", oauth.CodeInvalidClient},
		{"empty id", basic(":s"), "", "", "", "", oauth.CodeInvalidClient},
		{"no colon", basic("as"), "", "", "", "", oauth.CodeInvalidClient},
		{"trailing bits in base64", []string{"Basic YTpiYh=="}, "", "", "", "", oauth.CodeInvalidClient},
		{"newline in base64", []string{"Basic YT\npi"}, "", "a", "b", "", ""},
		{"nothing behind the scheme", []string{"Basic"}, "", "", "", "", oauth.CodeInvalidClient},
		{"Negotiate", []string{"Negotiate abc"}, "", "", "", "", oauth.CodeInvalidClient},
		{"long id", basic(strings.Repeat("a", 256) + ":s"), "", "", "", "", oauth.CodeInvalidClient},
		{"very long header", basic(strings.Repeat("a", 9000) + ":s"), "", "", "", "", oauth.CodeInvalidClient},
		{"post", nil, "client_id=a&client_secret=s%2B", "a", "s+", "", ""},
		{"post with an empty header", []string{""}, "client_id=a&client_secret=s", "a", "s", "", ""},
		{"a public client says who it is", nil, "client_id=a", "a", "", "", ""},
		{"post without an id", nil, "client_secret=s", "", "", "", oauth.CodeInvalidClient},
		{"assertion", nil, "client_id=a&client_assertion=x", "", "", "", oauth.CodeInvalidClient},
		{"basic and a secret in the form", basic("a:s"), "client_secret=s", "", "", "", oauth.CodeInvalidRequest},
		{"basic and an assertion", basic("a:s"), "client_assertion=x", "", "", "", oauth.CodeInvalidRequest},
		{"basic and another client_id", basic("a:s"), "client_id=b", "", "", "", oauth.CodeInvalidRequest},
		{"two headers", append(basic("a:s"), basic("b:s")...), "", "", "", "", oauth.CodeInvalidRequest},
		{"B2 basic without a secret says who a public client is", basic("a:"), "", "a", "", oauth.AuthNone, ""},
		{"B2 and the same client_id in the form", basic("a:"), "client_id=a", "a", "", oauth.AuthNone, ""},
		{"B2 and another one", basic("a:"), "client_id=b", "", "", "", oauth.CodeInvalidRequest},
		{"B2 and a secret in the form", basic("a:"), "client_secret=s", "", "", "", oauth.CodeInvalidRequest},
		{"B2 neither id nor secret", basic(":"), "", "", "", "", oauth.CodeInvalidClient},
	} {
		t.Run(c.rule, func(t *testing.T) {
			p, err := params.Parse(c.form)
			if err != nil {
				t.Fatal(err)
			}
			got, err := clientauth.Read(c.header, &p)
			if oauth.CodeOf(err) != c.code || got.ClientID != c.id || got.Secret.Reveal() != c.secret || c.method != "" && got.Method != c.method {
				t.Errorf("%q %q, %v; want %q %q, %q", got.ClientID, got.Secret.Reveal(), err, c.id, c.secret, c.code)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Basic YTpi", "client_id=a")
	f.Add("Basic YSUyRTpi", "")
	f.Fuzz(func(t *testing.T, header, form string) {
		p, err := params.Parse(form)
		if err != nil {
			return
		}
		got, err := clientauth.Read([]string{header}, &p)
		if err == nil && (got.ClientID == "" || len(got.ClientID) > 255) {
			t.Fatalf("%q %q gave the id %q", header, form, got.ClientID)
		}
	})
}
