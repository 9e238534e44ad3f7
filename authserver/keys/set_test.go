package keys

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

// bothAlgorithms is a set with an Active and a Published key of each algorithm.
func bothAlgorithms(t *testing.T) Set {
	t.Helper()
	cfg := daily()
	cfg.Algorithms = []string{ES256, RS256}
	s, _, _ := plan(t, Set{}, cfg, start, Observation{})
	return s
}

func marshal(t *testing.T, s Set) []byte {
	t.Helper()
	data, err := s.Marshal()
	if err != nil {
		t.Fatalf("Marshal: %v", err)
	}
	return data
}

func TestSetComesBackAsItWas(t *testing.T) {
	s := bothAlgorithms(t)
	s, _, _ = plan(t, s, Schedule{
		Algorithms: []string{ES256}, RotateEvery: time.Hour, MaxTokenLifetime: 90 * time.Minute, RotateNow: true, Generate: Generate,
	}, start.Add(time.Minute+123*time.Millisecond), serving(s.Revision(), start))
	data := marshal(t, s)
	got, err := Parse(data)
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	if diff := cmp.Diff(describe(s), describe(got)); diff != "" {
		t.Errorf("(-marshalled +parsed):\n%s", diff)
	}
	if got.Revision() != s.Revision() {
		t.Error("the revision is another")
	}
	if !bytes.Equal(marshal(t, got), data) {
		t.Error("marshalled again it is not the same")
	}
	for _, alg := range []string{ES256, RS256} {
		signer, ok := got.ActiveOr(alg)
		if !ok {
			t.Fatalf("%s: nobody signs", alg)
		}
		verifies(t, got, signer)
	}
}

// verifies checks that what a signer signs verifies with the public JWK Set.
func verifies(t *testing.T, s Set, signer Signer) {
	t.Helper()
	data, err := s.JWKS()
	if err != nil {
		t.Fatalf("JWKS: %v", err)
	}
	var public jose.JSONWebKeySet
	if err := json.Unmarshal(data, &public); err != nil {
		t.Fatalf("JWKS: %v", err)
	}
	found := public.Key(signer.KID)
	if len(found) != 1 || found[0].Algorithm != signer.Algorithm || found[0].Use != "sig" {
		t.Fatalf("JWK of %s: %+v", signer.KID, found)
	}
	digest := sha256.Sum256([]byte("message"))
	signature, err := signer.Private.Sign(Rand(), digest[:], crypto.SHA256)
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	switch key := found[0].Key.(type) {
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(key, digest[:], signature) {
			t.Error("ES256 signature does not verify")
		}
	case *rsa.PublicKey:
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature); err != nil {
			t.Errorf("RS256 signature: %v", err)
		}
	}
}

func TestJWKSIsPublic(t *testing.T) {
	s := bothAlgorithms(t)
	data, err := s.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Keys) != len(s.Keys) {
		t.Fatalf("%d keys, want %d: those of every phase", len(got.Keys), len(s.Keys))
	}
	allowed := []string{"kty", "kid", "alg", "use", "crv", "x", "y", "n", "e"}
	for _, k := range got.Keys {
		for member := range k {
			if !slices.Contains(allowed, member) {
				t.Errorf("member %q of a public key", member)
			}
		}
	}
	if empty, err := (Set{}).JWKS(); err != nil || string(empty) != `{"keys":[]}` {
		t.Errorf("empty JWK Set %s, %v", empty, err)
	}
}

func TestRevisionChangesOnlyWithWhatIsServed(t *testing.T) {
	s := bothAlgorithms(t)
	was := s.Revision()
	at := start
	s.Keys[0].ObservedAt, s.Keys[0].TokensExpireIn, s.Dead = &at, time.Hour, []string{"x"}
	slices.Reverse(s.Keys)
	if s.Revision() != was {
		t.Error("the revision changed with times, dead keys or order")
	}
	s.Keys[0].Phase = Retiring
	if s.Revision() == was {
		t.Error("the revision did not change with a phase")
	}
	s.Keys = s.Keys[1:]
	if s.Revision() == was {
		t.Error("the revision did not change with the keys")
	}
}

func TestParseLeavesOutDeadKeys(t *testing.T) {
	s := bothAlgorithms(t)
	dead := key(t, s, ES256, Active)
	s.Dead = []string{dead.KID}
	got, err := Parse(marshal(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if _, signs := got.Active(ES256); signs || len(got.Keys) != len(s.Keys)-1 {
		t.Errorf("a dead key is back:\n%s", describe(got))
	}
}

func TestF28ParseRefusesACorruptedSet(t *testing.T) {
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign := func(k *Key, private any) {
		jwk := jose.JSONWebKey{Key: private, Algorithm: k.Algorithm, Use: "sig"}
		kid, err := thumbprint(jwk)
		if err != nil {
			t.Fatal(err)
		}
		jwk.KeyID = kid
		k.KID, k.JWK = kid, jwk
	}
	// The keys: 0 ES256 Active, 1 RS256 Active, 2 ES256 and 3 RS256 Published.
	tests := []struct {
		rule string
		edit func(*setJSON)
		want string
	}{
		{"another format", func(s *setJSON) { s.Version = 2 }, "format version 2"},
		{"a kid that is not the thumbprint", func(s *setJSON) { s.Keys[0].KID = "mine" }, "thumbprint"},
		{"another key's kid", func(s *setJSON) { s.Keys[0].KID = s.Keys[2].KID }, "thumbprint"},
		{"a JWK with another kid", func(s *setJSON) { s.Keys[0].JWK.KeyID = "mine" }, "thumbprint"},
		{"a JWK with another algorithm", func(s *setJSON) { s.Keys[0].JWK.Algorithm = "ES384" }, "alg"},
		{"a key twice", func(s *setJSON) { s.Keys = append(s.Keys, s.Keys[3]) }, "twice"},
		{"two Active keys of one algorithm", func(s *setJSON) {
			s.Keys[2].Phase, s.Keys[2].Activated = Active, &start
		}, "both Active"},
		{"a public key", func(s *setJSON) { s.Keys[0].JWK = s.Keys[0].JWK.Public() }, "private EC key"},
		{"a key of another kind", func(s *setJSON) { s.Keys[0].Algorithm = RS256 }, "private RSA key"},
		{"an unknown algorithm", func(s *setJSON) { s.Keys[0].Algorithm = "HS256" }, "unknown algorithm"},
		{"another curve", func(s *setJSON) {
			k := Key{Algorithm: ES256}
			foreign(&k, p384)
			s.Keys[0].KID, s.Keys[0].JWK = k.KID, k.JWK
		}, "P-256"},
		{"a short RSA key", func(s *setJSON) {
			k := Key{Algorithm: RS256}
			foreign(&k, weak)
			s.Keys[1].KID, s.Keys[1].JWK = k.KID, k.JWK
		}, "1024 bits"},
		{"an unknown phase", func(s *setJSON) { s.Keys[2].Phase = "Sleeping" }, "unknown phase"},
		{"Active without a time", func(s *setJSON) { s.Keys[0].Activated = nil }, "activated"},
		{"Published with a time of activation", func(s *setJSON) { s.Keys[2].Activated = &start }, "activated"},
		{"Retiring without a time", func(s *setJSON) { s.Keys[0].Phase = Retiring }, "retired"},
		{"no time of creation", func(s *setJSON) { s.Keys[0].Created = time.Time{} }, "created"},
		{"a negative lifetime", func(s *setJSON) { s.Keys[0].TokensExpireIn = -1 }, "negative"},
		{"too many keys", func(s *setJSON) {
			for len(s.Keys) <= maxKeys {
				s.Keys = append(s.Keys, s.Keys[3])
			}
		}, "at most"},
	}
	good := marshal(t, bothAlgorithms(t))
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			var stored setJSON
			if err := json.Unmarshal(good, &stored); err != nil {
				t.Fatal(err)
			}
			tt.edit(&stored)
			data, err := json.Marshal(stored)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(data); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
	for _, garbage := range []string{"", "null", "[]", `"x"`, "{", `{"version":1,"keys":[{"jwk":{"kty":"EC"}}]}`, strings.Repeat("[", 100000)} {
		if _, err := Parse([]byte(garbage)); err == nil {
			t.Errorf("Parse(%.20q) gave no error", garbage)
		}
	}
}

// A corrupted private part must not become a key that signs what nobody verifies.
func TestF28ParseRefusesAPrivatePartOfAnotherKey(t *testing.T) {
	for _, alg := range []string{ES256, RS256} {
		s := bothAlgorithms(t)
		var stored struct {
			Version int              `json:"version"`
			Keys    []map[string]any `json:"keys"`
		}
		if err := json.Unmarshal(marshal(t, s), &stored); err != nil {
			t.Fatal(err)
		}
		var jwks []map[string]any
		for _, k := range stored.Keys {
			if k["alg"] == alg {
				jwks = append(jwks, k["jwk"].(map[string]any))
			}
		}
		jwks[0]["d"] = jwks[1]["d"]
		data, err := json.Marshal(stored)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(data); err == nil {
			t.Errorf("%s: a key with the private part of another is accepted", alg)
		}
	}
}

func TestF36KeysRedactThemselves(t *testing.T) {
	s := bothAlgorithms(t)
	var planted []string
	for _, k := range s.Keys {
		switch private := k.JWK.Key.(type) {
		case *ecdsa.PrivateKey:
			raw, err := private.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			planted = append(planted, fmt.Sprint(new(big.Int).SetBytes(raw)), fmt.Sprintf("%x", raw))
		case *rsa.PrivateKey:
			planted = append(planted, fmt.Sprint(private.D), fmt.Sprintf("%x", private.D))
		}
	}
	var out bytes.Buffer
	signer, _ := s.Active(ES256)
	for _, v := range []any{s, &s, s.Keys[0], s.Keys, signer, struct{ Set Set }{s}} {
		fmt.Fprintf(&out, "%v %+v %#v %s %d %x\n", v, v, v, v, v, v)
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
		slog.New(slog.NewJSONHandler(&out, nil)).LogAttrs(context.Background(), slog.LevelInfo, "m", slog.Any("v", v))
		slog.New(slog.NewTextHandler(&out, nil)).LogAttrs(context.Background(), slog.LevelInfo, "m", slog.Any("v", v))
	}
	for _, secret := range append(planted, `"d"`, `"p"`) {
		if strings.Contains(out.String(), secret) {
			t.Fatalf("a private key in %.300s", out.String())
		}
	}
}
