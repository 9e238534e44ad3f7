package params_test

import (
	"errors"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
)

func TestParse(t *testing.T) {
	p, err := params.Parse("grant_type=client_credentials&scope=a+b%20c&empty=&&flag&resource=https%3A%2F%2Fa&resource=b&resource=", "resource")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"grant_type": "client_credentials", "scope": "a b c", "empty": "", "flag": "", "absent": ""} {
		if got := p.Get(name); got != want {
			t.Errorf("Get(%q) = %q, want %q", name, got, want)
		}
	}
	if got := strings.Join(p.All("resource"), ","); got != "https://a,b" {
		t.Errorf("All(resource) = %q", got)
	}
}

func TestA13DuplicateAndMalformedParametersAreRefused(t *testing.T) {
	for rule, form := range map[string]string{
		"twice the same":               "scope=a&scope=a",
		"twice, one of them empty":     "scope=&scope=a",
		"twice, differently encoded":   "scope=a&%73cope=a",
		"bad escape in a value":        "scope=%zz",
		"bad escape in a name":         "%zz=a",
		"truncated escape":             "scope=a%2",
		"A16: the character 0":         "scope=a%00",
		"A16: no UTF-8":                "scope=%ff",
		"name too long":                "a=1&" + strings.Repeat("x", 129) + "=1",
		"more parameters than allowed": strings.Repeat("resource=a&", 65),
	} {
		t.Run(rule, func(t *testing.T) {
			_, err := params.Parse(form, "resource")
			var oe *oauth.Error
			if !errors.As(err, &oe) || oe.Code != "invalid_request" {
				t.Fatalf("Parse(%q) = %v, want invalid_request", form, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("grant_type=client_credentials&scope=a+b")
	f.Add("a=%2&&=;")
	f.Fuzz(func(t *testing.T, form string) {
		p, err := params.Parse(form, "resource")
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, name := range p.Names() {
			if seen[name] && name != "resource" {
				t.Fatalf("%q let %q through twice", form, name)
			}
			seen[name] = true
		}
	})
}
