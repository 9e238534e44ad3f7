// Package sqlitetest gives tests data directories for stores. Test only.
package sqlitetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store/sqlite"
)

// Dir is a directory with an empty store, whose schema is made already: making it
// takes longer than most tests do. It goes with the test.
func Dir(t testing.TB) string {
	t.Helper()
	store, err := empty()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, store.name), store.content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// file of a store.
type file struct {
	name    string
	content []byte
}

// empty is a store that nothing was ever put in. Its revision is below that of any
// clock.
var empty = sync.OnceValues(func() (file, error) {
	dir, err := os.MkdirTemp("", "clientele-sqlite-")
	if err != nil {
		return file{}, err
	}
	defer os.RemoveAll(dir)
	began := func() time.Time { return time.Unix(0, 0) }
	s, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir, Now: began})
	if err != nil {
		return file{}, err
	}
	if err := s.Close(); err != nil {
		return file{}, err
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.db")) // one file, and all of the store when it is closed
	if err != nil {
		return file{}, err
	}
	content, err := os.ReadFile(found[0])
	return file{filepath.Base(found[0]), content}, err
})
