package stack

import (
	"os"
	"path/filepath"
	"testing"
)

func TestClearRemovesDataButNothingElse(t *testing.T) {
	l := layout{t.TempDir()}
	mine := filepath.Join(l.dir, "notes.txt")
	old := l.secret("old.token")
	if err := l.clear(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{mine, old, l.Env()} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.clear(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{mine: true, old: false, l.Env(): false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
}
