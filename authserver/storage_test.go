package authserver_test

import (
	"os"
	"testing"

	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
)

// postgres of all tests of this package.
var postgres pgtest.Shared

func TestMain(m *testing.M) { os.Exit(postgres.Run(m)) }

// forEachStorage runs a test on SQLite and on PostgreSQL, side by side: for what
// must be so on every storage. on chooses it.
func forEachStorage(t *testing.T, test func(t *testing.T, on authtest.Config)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		test(t, authtest.Config{})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		test(t, authtest.Config{Postgres: postgres.Server(t)})
	})
}
