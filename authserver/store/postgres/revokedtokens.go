package postgres

import (
	"context"
	"fmt"
	"time"
)

const revokeToken = `INSERT INTO revoked_tokens (jti, expires) VALUES ($1, $2)
	ON CONFLICT (jti) DO UPDATE SET expires = greatest(revoked_tokens.expires, excluded.expires)`

// RevokeToken implements store.RevokedTokens.
func (s *Store) RevokeToken(ctx context.Context, jti string, expires time.Time) error {
	if _, err := s.exec(ctx, revokeToken, jti, expires.Unix()); err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}

// TokenRevoked implements store.RevokedTokens.
func (s *Store) TokenRevoked(ctx context.Context, jti string) (revoked bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM revoked_tokens WHERE jti = $1)`, jti).Scan(&revoked)
	if err != nil {
		return false, fmt.Errorf("look up a revoked token: %w", err)
	}
	return revoked, nil
}
