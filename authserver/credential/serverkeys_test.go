package credential

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

var created = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newKeys are server keys with versions 1 to n.
func newKeys(t testing.TB, n int) ServerKeys {
	t.Helper()
	k, err := NewServerKeys(created)
	if err != nil {
		t.Fatal(err)
	}
	for v := 2; v <= n; v++ {
		more, err := NewServerKeys(created)
		if err != nil {
			t.Fatal(err)
		}
		more.Keys[0].Version = v
		k.Keys = append(k.Keys, more.Keys[0])
	}
	return k
}

func TestServerKeysComeBackAsTheyWere(t *testing.T) {
	k := newKeys(t, 3)
	data, err := k.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseServerKeys(data)
	if err != nil || !got.Equal(k) {
		t.Fatalf("Parse: %v, equal %v", err, got.Equal(k))
	}
	if got.Equal(newKeys(t, 3)) {
		t.Error("other keys are equal")
	}
	// The order in the Secret does not matter: the newest version seals.
	k.Keys[0], k.Keys[2] = k.Keys[2], k.Keys[0]
	shuffled, err := json.Marshal(serverKeysJSON{ID: k.ID, Keys: []serverKeyJSON{
		serverKeyJSON(k.Keys[0]), serverKeyJSON(k.Keys[1]), serverKeyJSON(k.Keys[2]),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, err = ParseServerKeys(shuffled); err != nil || !strings.HasPrefix(got.Seal(Hash("x")), "v3:") {
		t.Errorf("sealed with %s, %v, want version 3", got.Seal(Hash("x")), err)
	}
}

func TestParseServerKeysRefuses(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	one := func(version, key string) string {
		return fmt.Sprintf(`{"version":%s,"key":%q,"created":"2026-03-01T12:00:00Z"}`, version, key)
	}
	tests := []struct{ rule, data, want string }{
		{"no JSON", `{`, "not JSON"},
		{"a key that is no base64", `{"id":"a","keys":[` + one("1", "&secret&") + `]}`, "not JSON"},
		{"no id", `{"keys":[` + one("1", key) + `]}`, "id"},
		{"a long id", `{"id":"` + strings.Repeat("a", 65) + `","keys":[` + one("1", key) + `]}`, "id"},
		{"no keys", `{"id":"a"}`, "0 keys"},
		{"a short key", `{"id":"a","keys":[` + one("1", "AAAA") + `]}`, "3 bytes"},
		{"a version twice", `{"id":"a","keys":[` + one("1", key) + "," + one("1", key) + `]}`, "unique"},
		{"version zero", `{"id":"a","keys":[` + one("0", key) + `]}`, "positive"},
		{"too many", `{"id":"a","keys":[` + strings.Repeat(one("1", key)+",", 16) + one("1", key) + `]}`, "17 keys"},
	}
	for _, tt := range tests {
		_, err := ParseServerKeys([]byte(tt.data))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.rule, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error quotes the data: %v", tt.rule, err)
		}
	}
	if _, err := (ServerKeys{ID: "a"}).Marshal(); err == nil {
		t.Error("marshalled what cannot be parsed")
	}
	if _, err := NewServerKeys(time.Time{}); err == nil {
		t.Error("made keys at no time")
	}
}

// hmacText is HMAC by the standard library.
func hmacText(k ServerKey, message string) string {
	h := hmac.New(sha256.New, k.Key)
	h.Write([]byte(message))
	return fmt.Sprintf("v%d:%s", k.Version, base64.RawURLEncoding.EncodeToString(h.Sum(nil)))
}

func TestSealIsHMAC(t *testing.T) {
	k := newKeys(t, 12)
	sum := sha256.Sum256([]byte("secret"))
	if got, want := k.Seal(hex.EncodeToString(sum[:])), hmacText(k.Keys[11], sealLabel+string(sum[:])); got != want {
		t.Errorf("Seal = %s, want %s", got, want)
	}
	length := string(binary.BigEndian.AppendUint64(nil, 4))
	if got, want := k.MAC("page", []byte("data")), hmacText(k.Keys[11], macLabel+length+"pagedata"); got != want {
		t.Errorf("MAC = %s, want %s", got, want)
	}
}

func TestMatch(t *testing.T) {
	k := newKeys(t, 2)
	old := ServerKeys{ID: k.ID, Keys: k.Keys[:1]}
	secret := NewClientSecret().Reveal()
	sealed := k.Seal(Hash(secret))
	long := strings.Repeat("x", 10000)
	tests := []struct {
		rule              string
		sealed, presented string
		match             bool
	}{
		{"the secret", sealed, secret, true},
		{"sealed with an older key", old.Seal(Hash(secret)), secret, true},
		{"a long secret", k.Seal(Hash(long)), long, true},
		{"another secret", sealed, NewClientSecret().Reveal(), false},
		{"A13 truncated", sealed, secret[:len(secret)-1], false},
		{"A13 padded", sealed, secret + " ", false},
		{"no secret", sealed, "", false},
		{"the hash instead of the secret", sealed, Hash(secret), false},
		{"sealed by other server keys", newKeys(t, 2).Seal(Hash(secret)), secret, false},
		{"a version that is not there", "v3" + sealed[2:], secret, false},
		{"another version", "v1" + sealed[2:], secret, false},
		{"a version written otherwise", "v02" + sealed[2:], secret, false},
		{"a version with a sign", "v+2" + sealed[2:], secret, false},
		{"no version", sealed[3:], secret, false},
		{"a stored value cut short", sealed[:len(sealed)-1], secret, false},
		{"a stored value that is longer", sealed + "A", secret, false},
		{"nothing stored", "", secret, false},
		{"nothing stored, nothing presented", "", "", false},
	}
	for _, tt := range tests {
		if got := k.Match(tt.sealed, tt.presented); got != tt.match {
			t.Errorf("%s: Match %v, want %v", tt.rule, got, tt.match)
		}
		for _, list := range [][]string{{tt.sealed}, {"", tt.sealed}, {k.Seal(Hash("a")), old.Seal(Hash("b")), tt.sealed, "v9:x"}} {
			if got := k.MatchAny(list, tt.presented); got != tt.match {
				t.Errorf("%s: MatchAny of %d %v, want %v", tt.rule, len(list), got, tt.match)
			}
		}
	}
	if k.MatchAny(nil, secret) || (ServerKeys{}).Match(sealed, secret) || (ServerKeys{}).MatchAny([]string{sealed}, secret) {
		t.Error("a match with nothing")
	}
}

func TestSealOfWhatIsNoHash(t *testing.T) {
	k := newKeys(t, 1)
	for _, bad := range []string{"", "abc", strings.Repeat("g", 64), strings.Repeat("a", 63), strings.Repeat("a", 66)} {
		if got := k.Seal(bad); got != "" {
			t.Errorf("Seal(%q) = %q, want nothing", bad, got)
		}
	}
	if got := (ServerKeys{}).Seal(Hash("a")) + (ServerKeys{}).MAC("d", nil); got != "" {
		t.Errorf("sealed without keys: %q", got)
	}
}

func TestVerifyMAC(t *testing.T) {
	k := newKeys(t, 2)
	old := ServerKeys{ID: k.ID, Keys: k.Keys[:1]}
	mac := k.MAC("page", []byte("data"))
	tests := []struct {
		rule, mac, domain, data string
		valid                   bool
	}{
		{"as made", mac, "page", "data", true},
		{"made with an older key", old.MAC("page", []byte("data")), "page", "data", true},
		{"A16 other data", mac, "page", "Data", false},
		{"another domain", mac, "row", "data", false},
		{"the border moved", mac, "paged", "ata", false},
		{"a seal for a MAC", k.Seal(Hash("data")), "page", "data", false},
		{"empty", "", "page", "data", false},
	}
	for _, tt := range tests {
		if got := k.VerifyMAC(tt.mac, tt.domain, []byte(tt.data)); got != tt.valid {
			t.Errorf("%s: %v, want %v", tt.rule, got, tt.valid)
		}
	}
	if (ServerKeys{}).VerifyMAC("", "d", nil) {
		t.Error("no key verified nothing")
	}
}

func BenchmarkMatch(b *testing.B) {
	k := newKeys(b, 1)
	secret := NewClientSecret().Reveal()
	sealed := k.Seal(Hash(secret))
	b.ReportAllocs()
	for b.Loop() {
		k.Match(sealed, secret)
	}
}

func BenchmarkMatchAnyOfThree(b *testing.B) {
	k := newKeys(b, 1)
	secret := NewClientSecret().Reveal()
	sealed := []string{k.Seal(Hash("a")), k.Seal(Hash(secret)), k.Seal(Hash("c"))}
	b.ReportAllocs()
	for b.Loop() {
		k.MatchAny(sealed, secret)
	}
}

func BenchmarkNewID(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		NewID()
	}
}
