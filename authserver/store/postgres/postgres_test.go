package postgres

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/authserver/store/storetest"
)

// server of all tests of this package.
var server *pgtest.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if server, err = pgtest.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		name, there := schema(t)
		return storetest.Harness{
			Open: func(t *testing.T) store.Store {
				return open(t, there, Options{Poll: 20 * time.Millisecond, Linger: 50 * time.Millisecond})
			},
			SQL:  func(t *testing.T, statement string) error { return server.Exec(t.Context(), there, statement) },
			Wipe: func(t *testing.T) { exec(t, "", `DROP SCHEMA `+name+` CASCADE; CREATE SCHEMA `+name) },
		}
	})
}

// started is a server of the test's own.
func started(t *testing.T, start func(ctx context.Context, settings ...string) (*pgtest.Server, error), settings ...string) *pgtest.Server {
	t.Helper()
	own, err := start(t.Context(), settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	return own
}

// schema is an empty one, and the parameter that leads there.
func schema(t testing.TB) (name, there string) {
	t.Helper()
	name, there, err := server.Schema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return name, there
}

func exec(t testing.TB, there, statements string) {
	t.Helper()
	if err := server.Exec(t.Context(), there, statements); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

// open a store with at most six connections. The rest of the options is as given.
func open(t testing.TB, there string, o Options) *Store {
	t.Helper()
	o.DSN = server.DSN(there + " pool_max_conns=6")
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return storetest.Sign(s)
}

func closed(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
