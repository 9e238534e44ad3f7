package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/sqlite"
	"clientele.dev/clientele/authserver/store/sqlite/sqlitetest"
	"clientele.dev/clientele/authserver/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		// A name that needs escaping in the driver's URI.
		dir := filepath.Join(t.TempDir(), "da?ta #1 100%")
		if err := os.Rename(sqlitetest.Dir(t), dir); err != nil {
			t.Fatal(err)
		}
		return storetest.Harness{
			Open: func(t *testing.T) store.Store { return sqlite.OpenFast(t, dir) },
			SQL:  func(t *testing.T, statement string) error { return sqlite.ByHand(t, dir, statement) },
			Wipe: func(t *testing.T) {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}
