package oauth

import (
	"net/http"
	"strings"
	"testing"
)

func TestB27SubjectsCannotCollide(t *testing.T) {
	up := UpstreamSubject("https://idp.example", "ada")
	if up != UpstreamSubject("https://idp.example", "ada") {
		t.Error("the subject is not stable")
	}
	for _, other := range []string{UpstreamSubject("https://idp.example", "adb"), UpstreamSubject("https://idp.exampl", "eada"), LocalSubject("ada"), LocalSubject("oidc")} {
		if other == up {
			t.Errorf("%s is two people", other)
		}
	}
	for sub, want := range map[string]struct{ user, local, valid bool }{
		"user/ada":                 {true, true, true},
		"user/oidc":                {true, true, true}, // a local user with that id
		up:                         {true, false, true},
		"user/oidc/":               {true, false, false},
		"user/a/b":                 {true, false, false},
		"user/":                    {true, true, false},
		"user/..":                  {true, true, false},
		"user/oidc/..":             {true, false, false},
		"user/" + long(128):        {true, true, true},
		"user/" + long(129):        {true, true, false},
		"user/a:b":                 {true, true, false},
		"user:ada":                 {false, false, false},
		"user":                     {false, false, false},
		"shop.checkout":            {false, false, false},
		"":                         {false, false, false},
		"User/ada":                 {false, false, false},
		"user%2Fada":               {false, false, false},
		"user/oidc/" + long(128):   {true, false, true},
		"user/oidc/x/y":            {true, false, false},
		"user/\u00e4":              {true, true, false},
		"user/ada\n":               {true, true, false},
		"spiffe://cluster/user/ab": {false, false, false},
	} {
		if IsUser(sub) != want.user || IsLocalUser(sub) != want.local || ValidSubject(sub) != want.valid {
			t.Errorf("%q: user %v, local %v, valid %v, want %v", sub, IsUser(sub), IsLocalUser(sub), ValidSubject(sub), want)
		}
		if IsUser(sub) && ValidClientID(sub) {
			t.Errorf("%q is a client id too", sub)
		}
	}
	if len(up) > 255 || len(LocalSubject(long(MaxUserIDLength))) > 255 {
		t.Error("a subject has more than 255 characters (OpenID Connect Core 1.0, Section 2)")
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// TestB27BasicUserName: proxies hand a `sub` on as the user name of HTTP Basic (RFC 7617,
// Section 2), which ends at the first colon.
func TestB27BasicUserName(t *testing.T) {
	for _, sub := range []string{LocalSubject("ada"), LocalSubject("A-z_0.9~"), UpstreamSubject("https://idp.example", "a:b:c")} {
		r, err := http.NewRequest(http.MethodGet, "https://app.example", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(sub, "the password")
		if user, password, ok := r.BasicAuth(); !ok || user != sub || password != "the password" {
			t.Errorf("%s: user %q, password %q", sub, user, password)
		}
	}
}

// FuzzSubject: whatever can be a client id is no user, and the other way round.
func FuzzSubject(f *testing.F) {
	for _, s := range []string{"user/ada", "user:ada", "shop.checkout", "user/oidc/x", "user", "user~ada"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if ValidClientID(s) && (IsUser(s) || ValidSubject(s)) {
			t.Errorf("%q is a client and a user", s)
		}
		if ValidSubject(s) && (!IsUser(s) || strings.ContainsAny(s, ": ")) {
			t.Errorf("%q is no user, or no Basic user name", s)
		}
		if ValidUserID(s) && (!ValidSubject(LocalSubject(s)) || !IsLocalUser(LocalSubject(s))) {
			t.Errorf("the local user %q has no subject", s)
		}
	})
}
