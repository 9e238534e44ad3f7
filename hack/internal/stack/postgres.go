package stack

import (
	"context"
	"fmt"
	"os"

	"clientele.dev/clientele/authserver/store/postgres/pgtest"
)

// startPostgres is a step of a stack with Options.Postgres: a server of its own,
// thrown away at the end.
func (s *Stack) startPostgres(ctx context.Context) (string, error) {
	var err error
	if s.postgres, err = pgtest.Start(ctx); err != nil {
		return "", err
	}
	if err := os.WriteFile(s.dsn(), []byte(s.postgres.DSN("")), 0o600); err != nil {
		return "", fmt.Errorf("write the connection string: %w", err)
	}
	return "PostgreSQL ready", nil
}

func (s *Stack) stopPostgres() error {
	if s.postgres == nil {
		return nil
	}
	return s.postgres.Stop()
}
