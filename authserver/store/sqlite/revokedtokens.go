package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

const tokenRevoked = `SELECT 1 FROM revoked_tokens WHERE jti = ?`

// RevokeToken implements store.RevokedTokens.
func (s *Store) RevokeToken(ctx context.Context, jti string, expires time.Time) error {
	err := s.durably(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO revoked_tokens (jti, expires) VALUES (?, ?)
			ON CONFLICT (jti) DO UPDATE SET expires = max(expires, excluded.expires)`, jti, expires.Unix())
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}

// TokenRevoked implements store.RevokedTokens.
func (s *Store) TokenRevoked(ctx context.Context, jti string) (bool, error) {
	found, err := list(ctx, s.statements.tokenRevoked, []any{jti}, func(*sql.Rows) (struct{}, error) { return struct{}{}, nil })
	if err != nil {
		return false, fmt.Errorf("look up a revoked token: %w", err)
	}
	return len(found) > 0, nil
}
