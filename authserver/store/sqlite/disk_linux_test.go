package sqlite_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/sqlite"
	"clientele.dev/clientele/authserver/store/sqlite/sqlitetest"
	"clientele.dev/clientele/authserver/store/storetest"
)

// TestAStoreOnAFullDisk says so, reads, and is written again when there is space; one that
// cannot begin for it says so, too.
func TestAStoreOnAFullDisk(t *testing.T) {
	sqlitetest.SmallDisk(t, 8<<20, func(t *testing.T, disk sqlitetest.Disk) {
		dir := filepath.Join(t.TempDir(), "data")
		s := sqlite.OpenFast(t, dir)
		if _, _, err := s.Bind(t.Context(), "keys"); err != nil {
			t.Fatal(err)
		}
		write := func() error {
			return s.PutFamily(t.Context(), store.Family{ID: time.Now().String(), Expires: time.Now().Add(time.Hour)})
		}
		examined := func() oauth.StorageState { return s.Examine(t.Context()).State }
		if err := write(); err != nil || examined() != oauth.StorageAvailable {
			t.Fatalf("at first: %v, %s", err, examined())
		}
		disk.Fill(t)
		var err error
		for range 10_000 { // there may be room in the WAL
			if err = write(); err != nil {
				break
			}
		}
		if stateOf(err) != oauth.StorageFull || examined() != oauth.StorageFull {
			t.Errorf("on a full disk: %v, %s", err, examined())
		}
		if _, err := s.TokenRevoked(t.Context(), "jti"); err != nil {
			t.Errorf("reading: %v", err)
		}
		disk.Free(t)
		if got := examined(); got != oauth.StorageAvailable {
			t.Errorf("when there is space: %s", got)
		}
		if err := write(); err != nil {
			t.Errorf("when there is space: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}

		disk.Fill(t)
		for _, where := range []string{dir, filepath.Join(t.TempDir(), "another")} {
			again, err := sqlite.Open(t.Context(), sqlite.Options{Dir: where, Now: time.Now})
			if stateOf(err) != oauth.StorageFull {
				t.Errorf("opening %s on a full disk: %v", where, err)
			}
			if err == nil {
				_ = again.Close()
			}
		}
		disk.Free(t)
		again := storetest.Sign(sqlite.OpenFast(t, dir))
		if err := again.PutFamily(t.Context(), store.Family{ID: "f", Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Error(err)
		}
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	})
}

func stateOf(err error) oauth.StorageState {
	if failed, ok := errors.AsType[*store.StorageError](err); ok {
		return failed.State
	}
	return ""
}
