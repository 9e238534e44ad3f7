package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/store"
)

const countAttempt = `INSERT INTO attempts (key, count, expires) VALUES ($1, 1, $3)
	ON CONFLICT (key) DO UPDATE SET
		count   = CASE WHEN attempts.expires > $2 THEN attempts.count + 1 ELSE 1 END,
		expires = CASE WHEN attempts.expires > $2 THEN attempts.expires ELSE $3 END
	RETURNING count`

// CountAttempt implements store.Attempts in one statement.
func (s *Store) CountAttempt(ctx context.Context, key string, now time.Time, window time.Duration) (int, error) {
	var n int
	if err := s.returning(ctx, countAttempt, []any{key, now.UnixMilli(), now.Add(window).UnixMilli()}, &n); err != nil {
		return 0, fmt.Errorf("count an attempt: %w", err)
	}
	return n, nil
}

// Attempts implements store.Attempts.
func (s *Store) Attempts(ctx context.Context, key string, now time.Time) (int, error) {
	n, err := one(ctx, s.pool, pgx.RowTo[int], `SELECT count FROM attempts WHERE key = $1 AND expires > $2`, key, now.UnixMilli())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("read attempts: %w", err)
	}
	return n, nil
}

// ClearAttempts implements store.Attempts.
func (s *Store) ClearAttempts(ctx context.Context, key string) error {
	if _, err := s.exec(ctx, `DELETE FROM attempts WHERE key = $1`, key); err != nil {
		return fmt.Errorf("clear attempts: %w", err)
	}
	return nil
}
