package oauth

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// RFC 8414, Section 3.2: members without a value are left out.
func TestMetadataLeavesOutWhatHasNoValue(t *testing.T) {
	body, err := json.Marshal(ServerMetadata{Issuer: "https://issuer.example", ScopesSupported: []string{}})
	if err != nil || string(body) != `{"issuer":"https://issuer.example"}` {
		t.Errorf("got %s, %v", body, err)
	}
}

func TestMetadataMembersAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	typ := reflect.TypeFor[ServerMetadata]()
	for i := range typ.NumField() {
		name, options, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if name == "" || seen[name] || name != strings.ToLower(name) {
			t.Errorf("%s: member %q", typ.Field(i).Name, name)
		}
		if name != "issuer" && options != "omitempty" {
			t.Errorf("%s: options %q", name, options)
		}
		seen[name] = true
	}
}

func TestWordsThatAreSupportedAreListed(t *testing.T) {
	for _, g := range SupportedGrantTypes() {
		if !g.Supported() {
			t.Errorf("%s is listed but refused", g)
		}
	}
	for _, m := range SupportedAuthMethods() {
		if !m.Supported() || !m.UsesSecret() {
			t.Errorf("%s is listed but refused", m)
		}
	}
	for _, g := range []GrantType{"", "password", "implicit", GrantAuthorizationCode, "CLIENT_CREDENTIALS"} {
		if g.Supported() {
			t.Errorf("grant type %q is accepted", g)
		}
	}
	for _, m := range []AuthMethod{"", "none", "private_key_jwt"} {
		if m.Supported() || m.UsesSecret() {
			t.Errorf("method %q is accepted", m)
		}
	}
}
