package credential

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func sealBox(t *testing.T, k ServerKeys, purpose, plaintext string) string {
	t.Helper()
	box, err := k.SealBox(purpose, []byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestBoxOpens(t *testing.T) {
	k := newKeys(t, 1)
	for _, plaintext := range []string{"", "a", strings.Repeat("long ", 1000)} {
		box := sealBox(t, k, "prt", plaintext)
		if again := sealBox(t, k, "prt", plaintext); again == box {
			t.Error("the same plaintext gave the same box twice")
		}
		if strings.Trim(box, alphabet+"-_.") != "" || len(box) > 4*len(plaintext)/3+65 {
			t.Errorf("box of %d bytes: %d characters, %q", len(plaintext), len(box), box[:10])
		}
		got, err := k.OpenBox("prt", box)
		if err != nil || string(got) != plaintext {
			t.Errorf("opened %q, %v", got, err)
		}
	}
}

func TestBoxOutlivesANewKey(t *testing.T) {
	k := newKeys(t, 2)
	old := ServerKeys{ID: k.ID, Keys: k.Keys[:1]}
	box := sealBox(t, old, "prt", "pending")
	if got, err := k.OpenBox("prt", box); err != nil || string(got) != "pending" {
		t.Errorf("opened %q, %v", got, err)
	}
	if newer := sealBox(t, k, "prt", "pending"); !strings.HasPrefix(newer, "v2.") {
		t.Errorf("sealed as %.3s, want with the newest key", newer)
	}
	gone := ServerKeys{ID: k.ID, Keys: k.Keys[1:]}
	if _, err := gone.OpenBox("prt", box); !errors.Is(err, ErrBox) {
		t.Errorf("error %v, want ErrBox", err)
	}
	if _, err := (ServerKeys{}).SealBox("prt", nil); err == nil {
		t.Error("sealed without a key")
	}
}

// TestA13BoxThatWasTouched: cut, stretched, edited in any bit, written another
// way, or of another purpose or key: never opened, and always the same error.
func TestA13BoxThatWasTouched(t *testing.T) {
	k, strangers := newKeys(t, 1), newKeys(t, 1)
	box := sealBox(t, k, "prt", "client=a&scope=read")
	refused := map[string]string{
		"empty": "", "the version alone": "v1.", "a bare v": "v.", "no version": box[3:],
		"another version": "v2." + box[3:], "version with a zero": "v01." + box[3:], "capital": "V1." + box[3:],
		"a stranger's": sealBox(t, strangers, "prt", "client=a&scope=read"),
		"longer":       box + "A", "padded": box + "=", "a line break": box[:10] + "\n" + box[10:], "twice": box + "." + box,
		"another purpose": sealBox(t, k, "cookie", "client=a&scope=read"),
		// Purposes are whole: one is never the beginning of another.
		"a longer purpose": sealBox(t, k, "prt2", "client=a&scope=read"),
	}
	for name, b := range refused {
		if got, err := k.OpenBox("prt", b); err != ErrBox || got != nil {
			t.Errorf("%s: opened %q, %v", name, got, err)
		}
	}
	for i := range box {
		if _, err := k.OpenBox("prt", box[:i]); err != ErrBox {
			t.Errorf("cut off at %d: %v", i, err)
		}
		edited := []byte(box)
		edited[i] ^= 1
		if got, err := k.OpenBox("prt", string(edited)); err != ErrBox {
			t.Errorf("edited at %d: opened %q, %v", i, got, err)
		}
	}
}

func FuzzOpenBox(f *testing.F) {
	k := newKeys(f, 1)
	box, err := k.SealBox("prt", []byte("text"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(box)
	f.Add("v1.AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := k.OpenBox("prt", s); err == nil && (s != box || !bytes.Equal(got, []byte("text"))) {
			t.Errorf("opened %q", s)
		}
	})
}

func BenchmarkBox(b *testing.B) {
	k := newKeys(b, 1)
	plaintext := make([]byte, 1000)
	for b.Loop() {
		box, err := k.SealBox("prt", plaintext)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := k.OpenBox("prt", box); err != nil {
			b.Fatal(err)
		}
	}
}
