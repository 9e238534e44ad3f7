package token_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/token"
)

const verifyIssuer = "https://login.example"

var verifyNow = time.Unix(1_800_000_000, 0)

func activeKey(t *testing.T, alg string) keys.Key {
	t.Helper()
	k, err := keys.Generate(alg, verifyNow)
	if err != nil {
		t.Fatal(err)
	}
	k.Phase, k.Activated = keys.Active, &verifyNow
	return k
}

func setOf(k ...keys.Key) keys.Set { return keys.Set{Keys: k} }

func accessClaims() token.AccessClaims {
	return token.AccessClaims{
		Issuer: verifyIssuer, Subject: "user/ada", ClientID: "apps.web", Scope: "a b", JTI: "f.1", Audience: "https://api.example",
		Roles: []string{"admin", `q"uote`}, IssuedAt: verifyNow.Unix(), Expires: verifyNow.Unix() + 900,
	}
}

func mint(t *testing.T, set keys.Set, alg string, c token.AccessClaims) string {
	t.Helper()
	signer, ok := set.Active(alg)
	if !ok {
		t.Fatal("no active key")
	}
	m, err := token.NewMinter(signer)
	if err != nil {
		t.Fatal(err)
	}
	text, err := m.Mint(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestVerifyWhatWasMinted(t *testing.T) {
	for _, alg := range []string{keys.ES256, keys.RS256} {
		set := setOf(activeKey(t, alg))
		want := accessClaims()
		got, err := token.NewVerifier(set, verifyIssuer).Access(mint(t, set, alg, want), verifyNow.Add(899*time.Second))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", alg, got, err)
		}
		signer, _ := set.Active(alg)
		m, err := token.NewIDMinter(signer)
		if err != nil {
			t.Fatal(err)
		}
		id := token.IDClaims{Issuer: verifyIssuer, Subject: "user/ada", Audience: "apps.web", SessionID: "s", Nonce: "n", AuthTime: 5, AccessTokenHash: "h", IssuedAt: 6, Expires: 7}
		text, err := m.Mint(id)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := token.NewVerifier(set, verifyIssuer).ID(text); err != nil || got != id {
			t.Errorf("%s: %+v, %v", alg, got, err)
		}
		if _, err := token.NewVerifier(set, verifyIssuer).Access(text, verifyNow); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("an ID token passes for an access token: %v", err)
		}
		if _, err := token.NewVerifier(set, verifyIssuer).ID(mint(t, set, alg, want)); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("an access token passes for an ID token: %v", err)
		}
	}
}

func TestA13A7WhatDoesNotVerify(t *testing.T) {
	set := setOf(activeKey(t, keys.ES256), activeKey(t, keys.RS256))
	good := mint(t, set, keys.ES256, accessClaims())
	parts := strings.Split(good, ".")
	change := func(f func(*token.AccessClaims)) string {
		c := accessClaims()
		f(&c)
		return mint(t, set, keys.ES256, c)
	}
	header := func(h map[string]any) string {
		b, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b) + "." + parts[1] + "."
	}
	es, _ := set.Active(keys.ES256)
	rs, _ := set.Active(keys.RS256)
	last := parts[2][len(parts[2])-1]
	other := byte('A')
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZ" { // same upper four bits, other unused bits
		if v, w := strings.IndexByte(alphabet, byte(c)), strings.IndexByte(alphabet, last); v>>4 == w>>4 && v != w {
			other = byte(c)
		}
	}
	for rule, text := range map[string]string{
		"nothing":               "",
		"not a token":           "a.b.c",
		"truncated":             good[:len(good)-1],
		"padded":                good + "=",
		"a line break":          good[:40] + "\n" + good[40:],
		"a space":               good + " ",
		"unused bits":           good[:len(good)-1] + string(other),
		"four parts":            good + ".x",
		"another payload":       parts[0] + "." + strings.Replace(parts[1], "e", "f", 1) + "." + parts[2],
		"no signature":          parts[0] + "." + parts[1] + ".",
		"none":                  header(map[string]any{"alg": "none", "typ": "at+jwt", "kid": es.KID}),
		"algorithm confusion":   header(map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": rs.KID}) + parts[2],
		"HMAC":                  header(map[string]any{"alg": "HS256", "typ": "at+jwt", "kid": es.KID}) + parts[2],
		"a key of its own":      header(map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": es.KID, "jwk": map[string]any{"kty": "oct", "k": "AA"}}) + parts[2],
		"unknown kid":           header(map[string]any{"alg": "ES256", "typ": "at+jwt", "kid": "x"}) + parts[2],
		"another issuer":        change(func(c *token.AccessClaims) { c.Issuer += "/" }),
		"expired":               change(func(c *token.AccessClaims) { c.Expires = verifyNow.Unix() }),
		"without sub":           change(func(c *token.AccessClaims) { c.Subject = "" }),
		"without jti":           change(func(c *token.AccessClaims) { c.JTI = "" }),
		"huge":                  strings.Repeat("a", token.MaxLength+1),
		"signed by another set": mint(t, setOf(activeKey(t, keys.ES256)), keys.ES256, accessClaims()),
	} {
		if c, err := token.NewVerifier(set, verifyIssuer).Access(text, verifyNow); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %+v, %v", rule, c, err)
		}
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
