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
		if !m.Supported() || m.UsesSecret() == (m == AuthNone) {
			t.Errorf("%s is listed but refused", m)
		}
	}
	for _, g := range []GrantType{"", "password", "implicit", "CLIENT_CREDENTIALS"} {
		if g.Supported() || g.ForUsers() {
			t.Errorf("grant type %q is accepted", g)
		}
	}
	for _, m := range []AuthMethod{"", "private_key_jwt", "None"} {
		if m.Supported() || m.UsesSecret() {
			t.Errorf("method %q is accepted", m)
		}
	}
	if GrantClientCredentials.ForUsers() || !GrantAuthorizationCode.ForUsers() || !GrantRefreshToken.ForUsers() {
		t.Error("which grants are for users")
	}
	for _, scope := range IdentityScopes() {
		if !IdentityScope(scope) {
			t.Errorf("scope %s is listed but not known", scope)
		}
	}
	if IdentityScope("") || IdentityScope("OpenID") || IdentityScope("address") {
		t.Error("a scope is known but not listed")
	}
	for _, rt := range SupportedResponseTypes() {
		if _, err := ParseResponseType(string(rt)); err != nil {
			t.Error(err)
		}
	}
	for _, mode := range SupportedResponseModes() {
		if _, err := ParseResponseMode(string(mode)); err != nil {
			t.Error(err)
		}
	}
}

// OpenID Connect Discovery 1.0, Section 3: left out it would mean true.
func TestMetadataSaysThatRequestURIsAreNotFetched(t *testing.T) {
	body, err := json.Marshal(ServerMetadata{Issuer: "https://i", RequestURIParameterSupported: new(bool)})
	if err != nil || string(body) != `{"issuer":"https://i","request_uri_parameter_supported":false}` {
		t.Errorf("got %s, %v", body, err)
	}
}
