package main

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func TestMetadataURL(t *testing.T) {
	tests := []struct{ rule, issuer, want string }{
		{"no path", "http://127.0.0.1:1", "http://127.0.0.1:1/.well-known/oauth-authorization-server"},
		{"path goes behind (RFC 8414, Section 3.1)", "https://a.example/b", "https://a.example/.well-known/oauth-authorization-server/b"},
		{"no URL", "nowhere", ""},
	}
	for _, tc := range tests {
		t.Run(tc.rule, func(t *testing.T) {
			got, err := metadataURL(tc.issuer)
			if got != tc.want || (err != nil) != (tc.want == "") {
				t.Errorf("metadataURL(%q) = %q, %v, want %q", tc.issuer, got, err, tc.want)
			}
		})
	}
}

func TestDecodeLeavesTheSignatureOut(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"ES256"}`)) + "." + encode([]byte(`{"sub":"me"}`)) + ".c2lnbmF0dXJl"
	header, claims, err := decode(token)
	if err != nil {
		t.Fatal(err)
	}
	if header != "{\n  \"alg\": \"ES256\"\n}" || claims != "{\n  \"sub\": \"me\"\n}" {
		t.Errorf("decoded %q and %q", header, claims)
	}
	if strings.Contains(header+claims, "c2lnbmF0dXJl") {
		t.Error("the signature is shown")
	}
	if _, _, err := decode("a.b"); err == nil {
		t.Error("two parts pass for a JWT")
	}
}

func TestSecretIsNeverShown(t *testing.T) {
	if got := shown("client_secret", "hunter2"); strings.Contains(got, "hunter2") {
		t.Errorf("shown() = %q", got)
	}
	c := credentials{clientSecret: "hunter2"}
	if got := fmt.Sprintf("%v %s", c, &c); strings.Contains(got, "hunter2") {
		t.Errorf("printed as %q", got)
	}
}
