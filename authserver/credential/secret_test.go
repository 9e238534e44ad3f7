package credential

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestGeneratedSecrets(t *testing.T) {
	tests := []struct {
		prefix string
		make   func() Secret
	}{
		{"cls_", NewClientSecret},
		{"clr_", NewRegistrationToken},
		{"clc_", NewCode},
		{"clp_", NewPushedRequest},
		{"clu_", NewSessionCookie},
	}
	for _, tt := range tests {
		seen := map[string]bool{}
		for range 1000 {
			s := tt.make().Reveal()
			if !ValidFormat(s, tt.prefix) || len(s) != 53 || seen[s] {
				t.Fatalf("generated %d characters with prefix %.4s: valid %v, repeated %v", len(s), s, ValidFormat(s, tt.prefix), seen[s])
			}
			// INTEROP 2: nothing that form-urlencoding would change.
			if rest := strings.Trim(s, alphabet+"_"); rest != "" {
				t.Fatalf("character %q in a secret", rest)
			}
			seen[s] = true
		}
	}
}

// Each of the 62 characters comes as often as the others: 43,000 drawn, 694 of
// each expected, six standard deviations allowed.
func TestRandomTextIsEven(t *testing.T) {
	count := map[rune]int{}
	for range 1000 {
		for _, c := range randomText(randomLen) {
			count[c]++
		}
	}
	for _, c := range alphabet {
		if n := count[c]; n < 694-158 || n > 694+158 {
			t.Errorf("%q came %d times, want about 694", c, n)
		}
	}
}

func TestValidFormat(t *testing.T) {
	good := NewClientSecret().Reveal()
	typo := []byte(good)
	typo[10]++
	if typo[10] == '9'+1 {
		typo[10] = 'A'
	}
	tests := []struct {
		rule  string
		s     string
		valid bool
	}{
		{"a generated one", good, true},
		{"another prefix", "clr_" + good[4:], false},
		{"no prefix", good[4:], false},
		{"a typing error", string(typo), false},
		{"truncated", good[:len(good)-1], false},
		{"padded", good + "0", false},
		{"a space for a character", good[:10] + " " + good[11:], false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		if got := ValidFormat(tt.s, PrefixClientSecret); got != tt.valid {
			t.Errorf("%s: %v, want %v", tt.rule, got, tt.valid)
		}
	}
}

func TestNewID(t *testing.T) {
	a, b := NewID(), NewID()
	if a == b || len(a) != 26 || strings.Trim(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		t.Errorf("ids %q and %q, want two of 26 characters", a, b)
	}
}

func TestHash(t *testing.T) {
	// FIPS 180-2, appendix B.1.
	if got, want := Hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want {
		t.Errorf("Hash(abc) = %s, want %s", got, want)
	}
}

func TestF36SecretsRedactThemselves(t *testing.T) {
	secret := NewClientSecret()
	keys := newKeys(t, 2)
	planted := []string{secret.Reveal(), hex.EncodeToString([]byte(secret))}
	for _, k := range keys.Keys {
		planted = append(planted, string(k.Key), hex.EncodeToString(k.Key), fmt.Sprint(k.Key))
	}
	type nested struct {
		S Secret
		K ServerKeys
		P *ServerKey
	}
	var out bytes.Buffer
	values := []any{secret, &secret, []Secret{secret}, map[string]Secret{"a": secret}, keys, &keys, keys.Keys, keys.Keys[0],
		nested{secret, keys, &keys.Keys[0]}, fmt.Errorf("wrapped: %v", secret)}
	for _, v := range values {
		fmt.Fprintf(&out, "%v %+v %#v %s %q %x %X %d\n", v, v, v, v, v, v, v, v)
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
	}
	encoded, err := json.Marshal(keys.Keys[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(planted, strings.Trim(string(encoded), `"`), strings.ToUpper(planted[1])) {
		if strings.Contains(out.String(), p) {
			t.Fatal("a secret was printed")
		}
	}
	if !strings.Contains(out.String(), redacted) {
		t.Error("nothing was printed")
	}
}

func FuzzValidFormat(f *testing.F) {
	f.Add(NewClientSecret().Reveal())
	f.Add("cls_")
	f.Fuzz(func(t *testing.T, s string) {
		if ValidFormat(s, PrefixClientSecret) && len(s) != 53 {
			t.Errorf("%q is valid", s)
		}
		if sum := sha256.Sum256([]byte(s)); Hash(s) != hex.EncodeToString(sum[:]) {
			t.Errorf("Hash(%q) is wrong", s)
		}
	})
}
