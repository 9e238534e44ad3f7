package sqlitetest

import (
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store/sqlite"
)

// TestDir: a store of a directory that was given is as one that was made afresh,
// and its own.
func TestDir(t *testing.T) {
	now := func() time.Time { return time.Unix(1_900_000_000, 0) }
	var ids []string
	for _, dir := range []string{t.TempDir(), Dir(t), Dir(t)} {
		s, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		id, wiped, err := s.Bind(t.Context(), "keys")
		if err != nil || wiped {
			t.Errorf("bound: wiped %v, %v", wiped, err)
		}
		ch, err := s.Changes(t.Context(), id, 0)
		if err != nil || ch.Revision < now().UnixMicro() || ch.Revision > now().UnixMicro()+10 || len(ch.Clients) > 0 {
			t.Errorf("changes %+v, %v", ch, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		ids = append(ids, id)
	}
	if ids[1] == ids[2] || ids[1] == "" {
		t.Errorf("two stores, ids %q", ids)
	}
}
