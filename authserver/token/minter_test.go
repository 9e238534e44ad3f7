package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"clientele.dev/clientele/authserver/keys"
)

// signer is an Active key of an algorithm, and the JWK Set to verify with.
func signer(t testing.TB, alg string) (keys.Signer, jose.JSONWebKeySet) {
	t.Helper()
	set, _, _, err := keys.Plan(keys.Set{}, keys.Schedule{
		Algorithms: []string{alg}, RotateEvery: time.Hour, MaxTokenLifetime: time.Minute, Generate: keys.Generate,
	}, time.Unix(1772366400, 0), keys.Observation{})
	if err != nil {
		t.Fatal(err)
	}
	s, ok := set.Active(alg)
	if !ok {
		t.Fatal("no active key")
	}
	data, err := set.JWKS()
	if err != nil {
		t.Fatal(err)
	}
	var public jose.JSONWebKeySet
	if err := json.Unmarshal(data, &public); err != nil {
		t.Fatal(err)
	}
	return s, public
}

func minter(t testing.TB, s keys.Signer) *Minter {
	t.Helper()
	m, err := NewMinter(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func sample() AccessClaims {
	return AccessClaims{
		Issuer: "https://auth.example.com", Subject: "shop.checkout", ClientID: "shop.checkout",
		Scope: "orders:read orders:write", JTI: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Audience: "https://orders.example.com",
		IssuedAt: 1772366400, Expires: 1772367300,
	}
}

// asJSON is what the claims are as JSON by the standard library; used as a map,
// so that order and escaping do not matter.
func asJSON(t testing.TB, c AccessClaims) map[string]any {
	t.Helper()
	data, err := json.Marshal(struct {
		Issuer   string `json:"iss,omitempty"`
		Subject  string `json:"sub,omitempty"`
		Audience string `json:"aud,omitempty"`
		ClientID string `json:"client_id,omitempty"`
		Scope    string `json:"scope,omitempty"`
		JTI      string `json:"jti,omitempty"`
		IssuedAt int64  `json:"iat"`
		Expires  int64  `json:"exp"`
	}{c.Issuer, c.Subject, c.Audience, c.ClientID, c.Scope, c.JTI, c.IssuedAt, c.Expires})
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, data)
}

func decode(t testing.TB, data []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("%q: more than one value", data)
	}
	return out
}

func TestMintedTokenVerifies(t *testing.T) {
	for _, alg := range []string{keys.ES256, keys.RS256} {
		t.Run(alg, func(t *testing.T) {
			s, public := signer(t, alg)
			token, err := minter(t, s).Mint(sample())
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]any
			if err := parsed.Claims(public, &got); err != nil {
				t.Fatalf("go-jose: %v", err)
			}
			want := map[string]any{
				"iss": "https://auth.example.com", "sub": "shop.checkout", "client_id": "shop.checkout",
				"aud": "https://orders.example.com", "scope": "orders:read orders:write", "jti": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
				"iat": float64(1772366400), "exp": float64(1772367300),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			// RFC 9068, Section 2.1, member for member.
			header, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"alg":"` + alg + `","typ":"at+jwt","kid":"` + s.KID + `"}`; string(header) != want {
				t.Errorf("header %s, want %s", header, want)
			}
		})
	}
}

// r or s is short in one signature of 128: both must come padded.
func TestES256SignaturesAreAlways64Bytes(t *testing.T) {
	s, public := signer(t, keys.ES256)
	m := minter(t, s)
	for range 2000 {
		token, err := m.Mint(sample())
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Verify(public.Keys[0]); err != nil && public.Keys[0].KeyID == s.KID {
			t.Fatal(err)
		}
		if n := len(token) - strings.LastIndexByte(token, '.') - 1; n != 86 {
			t.Fatalf("a signature of %d characters, want 86", n)
		}
	}
}

func TestMintInParallel(t *testing.T) {
	s, public := signer(t, keys.ES256)
	m := minter(t, s)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				token, err := m.Mint(sample())
				if err != nil {
					t.Error(err)
					return
				}
				parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
				if err != nil {
					t.Error(err)
					return
				}
				if err := parsed.Claims(public, &struct{}{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestEmptyClaimsAreLeftOut(t *testing.T) {
	for want, c := range map[string]AccessClaims{
		`{"iss":"i","iat":1,"exp":2}`: {Issuer: "i", IssuedAt: 1, Expires: 2},
		`{"iat":0,"exp":0}`:           {},
	} {
		if got, err := json.Marshal(c); err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}

func TestHugeClaims(t *testing.T) {
	s, public := signer(t, keys.ES256)
	c := sample()
	c.Scope = strings.Repeat("scope:\u00e9\x00 ", 2000)
	token, err := minter(t, s).Mint(c)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Scope string `json:"scope"`
	}
	if err := parsed.Claims(public, &got); err != nil || got.Scope != c.Scope {
		t.Errorf("%v, a scope of %d bytes, want %d", err, len(got.Scope), len(c.Scope))
	}
}

func FuzzRawFromASN1(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	der, err := key.Sign(rand.Reader, make([]byte, 32), crypto.SHA256)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	f.Add([]byte{0x30, 6, 2, 1, 1, 2, 1, 1})
	f.Add([]byte{0x30, 0x80})
	f.Fuzz(func(_ *testing.T, der []byte) {
		rawFromASN1(der) // must not panic
	})
}

func TestRawFromASN1(t *testing.T) {
	long := append([]byte{2, 34, 0, 1}, make([]byte, 32)...)
	tests := []struct {
		rule string
		der  []byte
		ok   bool
	}{
		{"two small integers", []byte{0x30, 6, 2, 1, 5, 2, 1, 7}, true},
		{"a sign byte", []byte{0x30, 7, 2, 2, 0, 0x85, 2, 1, 7}, true},
		{"nothing", nil, false},
		{"no sequence", []byte{0x31, 6, 2, 1, 5, 2, 1, 7}, false},
		{"a wrong length", []byte{0x30, 7, 2, 1, 5, 2, 1, 7}, false},
		{"one integer", []byte{0x30, 3, 2, 1, 5}, false},
		{"something behind", []byte{0x30, 7, 2, 1, 5, 2, 1, 7, 0}, false},
		{"an empty integer", []byte{0x30, 5, 2, 0, 2, 1, 7}, false},
		{"no integer", []byte{0x30, 6, 4, 1, 5, 2, 1, 7}, false},
		{"an integer that ends too late", []byte{0x30, 6, 2, 1, 5, 2, 2, 7}, false},
		{"an integer of 33 bytes", append(append([]byte{0x30, byte(len(long) + 3)}, long...), 2, 1, 7), false},
	}
	for _, tt := range tests {
		if raw, ok := rawFromASN1(tt.der); ok != tt.ok {
			t.Errorf("%s: %v, want %v", tt.rule, ok, tt.ok)
		} else if ok && raw[63] != 7 {
			t.Errorf("%s: %x", tt.rule, raw)
		}
	}
}

// broken is a key that cannot sign, or signs nonsense.
type broken struct {
	crypto.Signer
	signature []byte
	err       error
}

func (b broken) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return b.signature, b.err }

func TestMintWithABrokenKey(t *testing.T) {
	s, _ := signer(t, keys.ES256)
	failure := errors.New("the module is gone")
	for _, b := range []broken{{s.Private, nil, failure}, {s.Private, []byte("nonsense"), nil}} {
		token, err := minter(t, keys.Signer{KID: "k", Algorithm: keys.ES256, Private: b}).Mint(sample())
		if token != "" || err == nil || (b.err != nil && !errors.Is(err, failure)) {
			t.Errorf("token %q, error %v", token, err)
		}
	}
}

func TestNewMinterRefuses(t *testing.T) {
	es256, _ := signer(t, keys.ES256)
	rs256, _ := signer(t, keys.RS256)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		rule   string
		signer keys.Signer
	}{
		{"nothing", keys.Signer{}},
		{"no kid", keys.Signer{Algorithm: keys.ES256, Private: es256.Private}},
		{"A7 algorithm confusion: ES256 with an RSA key", keys.Signer{KID: "k", Algorithm: keys.ES256, Private: rs256.Private}},
		{"A7 algorithm confusion: RS256 with an EC key", keys.Signer{KID: "k", Algorithm: keys.RS256, Private: es256.Private}},
		{"another curve", keys.Signer{KID: "k", Algorithm: keys.ES256, Private: p384}},
		{"none", keys.Signer{KID: "k", Algorithm: "none", Private: es256.Private}},
	}
	for _, tt := range tests {
		if _, err := NewMinter(tt.signer); err == nil {
			t.Errorf("%s: accepted", tt.rule)
		}
	}
	if m := minter(t, es256); m.KID() != es256.KID || m.Algorithm() != keys.ES256 {
		t.Errorf("minter of %s %s", m.Algorithm(), m.KID())
	}
}
