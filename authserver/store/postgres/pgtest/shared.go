package pgtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Shared is one server for all tests of a package, started when the first of them
// asks for it. The zero value is ready.
type Shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Server is the one; the test fails if it cannot be started.
func (s *Shared) Server(t testing.TB) *Server {
	t.Helper()
	s.once.Do(func() { s.server, s.err = Start(context.Background()) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server
}

// Run the tests of a package and stop the server after them, if there is one. For
// TestMain: it returns what to exit with.
func (s *Shared) Run(m *testing.M) int {
	code := m.Run()
	if s.server == nil {
		return code
	}
	if err := s.server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}
