package sqlite

import (
	"database/sql"
	"errors"
	"testing"

	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

// TestEndsAreForcedToTheDisk, and nothing else is made slow by it.
func TestEndsAreForcedToTheDisk(t *testing.T) {
	s := open(t, t.TempDir())
	defer closed(t, s)
	level := func(q interface {
		QueryRow(query string, args ...any) *sql.Row
	}) (n int) {
		t.Helper()
		if err := q.QueryRow(`PRAGMA synchronous`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for _, fails := range []error{nil, errors.New("refused")} {
		_, err := s.db.Durably(t.Context(), func(tx sqlstore.Tx) error {
			if n := level(tx.(transaction)); n != 2 {
				t.Errorf("synchronous is %d while something ends, want FULL (2)", n)
			}
			return fails
		})
		if !errors.Is(err, fails) {
			t.Errorf("error %v, want %v", err, fails)
		}
		if n := level(s.db.write); n != 1 {
			t.Errorf("synchronous is %d afterwards, want NORMAL (1)", n)
		}
	}
}
