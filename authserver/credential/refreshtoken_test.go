package credential

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
)

func encodeRefresh(t testing.TB, k ServerKeys, token RefreshToken) string {
	t.Helper()
	text, err := k.EncodeRefreshToken(token)
	if err != nil {
		t.Fatal(err)
	}
	return text.Reveal()
}

func TestRefreshTokenRoundTrip(t *testing.T) {
	k := newKeys(t, 2)
	seen := map[string]bool{}
	for range 100 {
		token := NewRefreshToken(NewFamilyID())
		text := encodeRefresh(t, k, token)
		if !strings.HasPrefix(text, "clf_") || len(text) != RefreshTokenLen || seen[text] || strings.Trim(text, alphabet+"-_") != "" {
			t.Fatalf("a token of %d characters, seen %v", len(text), seen[text])
		}
		seen[text] = true
		got, err := k.ParseRefreshToken(text)
		if err != nil || !got.Equal(token) || got.Family != token.Family || got.Generation != 1 {
			t.Fatalf("parsed %v, %v", got, err)
		}
	}
}

func TestRefreshTokenOutlivesANewKey(t *testing.T) {
	k := newKeys(t, 2)
	old := ServerKeys{ID: k.ID, Keys: k.Keys[:1]}
	text := encodeRefresh(t, old, NewRefreshToken(NewFamilyID()))
	token, err := k.ParseRefreshToken(text)
	if err != nil {
		t.Fatal(err)
	}
	_, before, err := old.Successor(token, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, after, err := k.Successor(token, 1)
	if err != nil || after != before {
		t.Errorf("a new server key changed the successor: %v", err)
	}
	gone := ServerKeys{ID: k.ID, Keys: k.Keys[1:]}
	if _, err := gone.ParseRefreshToken(text); err != ErrRefreshToken {
		t.Errorf("error %v, want ErrRefreshToken", err)
	}
	if _, _, err := gone.Successor(token, 1); !errors.Is(err, ErrServerKeyGone) {
		t.Errorf("error %v, want ErrServerKeyGone", err)
	}
}

// TestF6TheSuccessorIsTheSameAgain, and depends on everything it is derived from.
func TestF6TheSuccessorIsTheSameAgain(t *testing.T) {
	k := newKeys(t, 2)
	first := NewRefreshToken(NewFamilyID())
	next, text, err := k.Successor(first, 1)
	if err != nil {
		t.Fatal(err)
	}
	again, sameText, err := k.Successor(first, 1)
	if err != nil || !again.Equal(next) || sameText != text {
		t.Errorf("the retry got another successor: %v", err)
	}
	if next.Family != first.Family || next.Generation != 2 {
		t.Errorf("successor %v", next)
	}
	if parsed, err := k.ParseRefreshToken(text.Reveal()); err != nil || !parsed.Equal(next) {
		t.Errorf("parsed %v, %v", parsed, err)
	}
	otherFamily, otherGeneration, otherSecret := first, first, NewRefreshToken(first.Family)
	otherFamily.Family = NewFamilyID()
	otherGeneration.Generation = 2
	for name, other := range map[string]RefreshToken{"family": otherFamily, "generation": otherGeneration, "secret": otherSecret} {
		if got, _, err := k.Successor(other, 1); err != nil || got.secret == next.secret {
			t.Errorf("another %s gave the same secret, %v", name, err)
		}
	}
	if got, _, err := k.Successor(first, 2); err != nil || got.secret == next.secret {
		t.Errorf("another key gave the same secret, %v", err)
	}
}

// TestA13RefreshTokenThatWasTouched: no text but the one that was given out.
func TestA13RefreshTokenThatWasTouched(t *testing.T) {
	k, strangers := newKeys(t, 1), newKeys(t, 1)
	text := encodeRefresh(t, k, NewRefreshToken(NewFamilyID()))
	refused := map[string]string{
		"empty": "", "prefix": "clf_", "a code": NewCode().Reveal(), "longer": text + "A", "padded": text + "=",
		"capitals": strings.ToUpper(text), "a space": " " + text,
		"a stranger's":   encodeRefresh(t, strangers, NewRefreshToken(NewFamilyID())),
		"standard text":  strings.Repeat("/", RefreshTokenLen),
		"zeros":          sum(PrefixRefreshToken + strings.Repeat("A", refreshTextLen)),
		"line breaks in": sum(text[:20] + "\n\n\n\n" + text[24:len(text)-checksumLen]),
	}
	for name, s := range refused {
		if _, err := k.ParseRefreshToken(s); err != ErrRefreshToken {
			t.Errorf("%s: %v", name, err)
		}
	}
	body := text[:len(text)-checksumLen]
	for i := range text {
		if _, err := k.ParseRefreshToken(text[:i]); err != ErrRefreshToken {
			t.Errorf("cut off at %d: %v", i, err)
		}
		if i < len(PrefixRefreshToken) || i >= len(body) {
			continue
		}
		edited := []byte(body)
		edited[i] = alphabet[(strings.IndexByte(alphabet, edited[i])+1)%len(alphabet)]
		// With a checksum that is right: the tag alone has to notice.
		if _, err := k.ParseRefreshToken(sum(string(edited))); err != ErrRefreshToken {
			t.Errorf("edited at %d: %v", i, err)
		}
	}
}

func sum(text string) string { return text + checksum(text) }

func TestGenerationZeroIsNoToken(t *testing.T) {
	k := newKeys(t, 1)
	var body [refreshBodyLen]byte
	tag := k.Keys[0].hmac([]byte(refreshTagLabel), body[:])
	raw := append(body[:], tag[:refreshTagLen]...)
	text := PrefixRefreshToken + base64.RawURLEncoding.EncodeToString(raw)
	if got, err := k.ParseRefreshToken(sum(text)); err != ErrRefreshToken {
		t.Errorf("parsed %v, %v", got, err)
	}
}

func TestRefreshTokenThatCannotBeWritten(t *testing.T) {
	k := newKeys(t, 1)
	good := NewRefreshToken(NewFamilyID())
	for name, edit := range map[string]func(*RefreshToken){
		"no family":       func(t *RefreshToken) { t.Family = "" },
		"a short family":  func(t *RefreshToken) { t.Family = t.Family[1:] },
		"capitals":        func(t *RefreshToken) { t.Family = strings.Repeat("A", 32) },
		"generation 0":    func(t *RefreshToken) { t.Generation = 0 },
		"generation 2^32": func(t *RefreshToken) { t.Generation = math.MaxUint32 + 1 },
	} {
		token := good
		edit(&token)
		if _, err := k.EncodeRefreshToken(token); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	if _, err := (ServerKeys{}).EncodeRefreshToken(good); !errors.Is(err, ErrServerKeyGone) {
		t.Errorf("no keys: %v", err)
	}
	good.Generation = math.MaxUint32
	if _, _, err := k.Successor(good, 1); !errors.Is(err, ErrFamilyWornOut) {
		t.Errorf("after the last generation: %v", err)
	}
}

func TestFamilyID(t *testing.T) {
	if id := NewFamilyID(); !ValidFamilyID(id) || id == NewFamilyID() {
		t.Errorf("id %q", id)
	}
	for _, s := range []string{"", "x", strings.Repeat("g", 32), strings.Repeat("A", 32), strings.Repeat("a", 31), strings.Repeat("a", 33)} {
		if ValidFamilyID(s) {
			t.Errorf("%q is a family's id", s)
		}
	}
}

func TestF36RefreshTokenRedactsItself(t *testing.T) {
	token := NewRefreshToken(NewFamilyID())
	for i := range token.secret {
		token.secret[i] = 'S'
	}
	asJSON, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{
		string(asJSON), fmt.Sprint(token), fmt.Sprintf("%v %+v %#v %x %d", token, token, token, token, token), token.LogValue().String(),
	} {
		if !strings.Contains(shown, redacted) || strings.Contains(shown, "SSS") || strings.Contains(shown, "5353") || strings.Contains(shown, "83 83") {
			t.Errorf("shown: %s", shown)
		}
	}
}

func FuzzParseRefreshToken(f *testing.F) {
	k := newKeys(f, 1)
	text := encodeRefresh(f, k, NewRefreshToken(NewFamilyID()))
	f.Add(text)
	f.Fuzz(func(t *testing.T, s string) {
		if token, err := k.ParseRefreshToken(s); err == nil && (s != text || encodeRefresh(t, k, token) != s) {
			t.Errorf("took %q for a token", s)
		}
	})
}

func BenchmarkRotation(b *testing.B) {
	k := newKeys(b, 2)
	text := encodeRefresh(b, k, NewRefreshToken(NewFamilyID()))
	for b.Loop() {
		token, err := k.ParseRefreshToken(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, err := k.Successor(token, 2); err != nil {
			b.Fatal(err)
		}
	}
}
