package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	countAttempt = `INSERT INTO attempts (key, count, expires) VALUES (?1, 1, ?3)
		ON CONFLICT (key) DO UPDATE SET
			count   = CASE WHEN expires > ?2 THEN count + 1 ELSE 1 END,
			expires = CASE WHEN expires > ?2 THEN expires ELSE ?3 END
		RETURNING count`
	readAttempts  = `SELECT count FROM attempts WHERE key = ? AND expires > ?`
	clearAttempts = `DELETE FROM attempts WHERE key = ?`
)

// CountAttempt implements store.Attempts in one statement.
func (s *Store) CountAttempt(ctx context.Context, key string, now time.Time, window time.Duration) (int, error) {
	var n int
	args := []any{key, now.UnixMilli(), now.Add(window).UnixMilli()}
	if err := s.returning(ctx, s.statements.countAttempt, args, &n); err != nil {
		return 0, fmt.Errorf("count an attempt: %w", err)
	}
	return n, nil
}

// Attempts implements store.Attempts.
func (s *Store) Attempts(ctx context.Context, key string, now time.Time) (int, error) {
	n, err := one(ctx, s.statements.attempts, []any{key, now.UnixMilli()}, func(rows *sql.Rows) (n int, err error) {
		err = rows.Scan(&n)
		return n, err
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("read attempts: %w", err)
	}
	return n, nil
}

// ClearAttempts implements store.Attempts.
func (s *Store) ClearAttempts(ctx context.Context, key string) error {
	if _, err := s.exec(ctx, s.statements.clearAttempts, key); err != nil {
		return fmt.Errorf("clear attempts: %w", err)
	}
	return nil
}
