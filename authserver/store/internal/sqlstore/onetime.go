package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	countAttempt = `INSERT INTO attempts (key, count, expires) VALUES ($1, 1, $3)
		ON CONFLICT (key) DO UPDATE SET
			count   = CASE WHEN attempts.expires > $2 THEN attempts.count + 1 ELSE 1 END,
			expires = CASE WHEN attempts.expires > $2 THEN attempts.expires ELSE $3 END
		RETURNING count`
	readAttempts  = `SELECT count FROM attempts WHERE key = $1 AND expires > $2`
	clearAttempts = `DELETE FROM attempts WHERE key = $1`

	pushedThere = `SELECT 1 FROM pushed_requests WHERE hash = $1 AND expires > $2`
	putPushed   = `INSERT INTO pushed_requests (hash, client_id, parameters, expires) VALUES ($1, $2, $3, $4)`
	takePushed  = `DELETE FROM pushed_requests WHERE hash = $1 AND expires > $2 RETURNING client_id, parameters, expires`

	revokeToken = `INSERT INTO revoked_tokens (jti, expires) VALUES ($1, $2)
		ON CONFLICT (jti) DO UPDATE SET expires = excluded.expires WHERE revoked_tokens.expires < excluded.expires`
	tokenRevoked = `SELECT 1 FROM revoked_tokens WHERE jti = $1`
)

// CountAttempt implements store.Attempts in one statement.
func (r *Roles) CountAttempt(ctx context.Context, key string, now time.Time, window time.Duration) (int, error) {
	var n int
	if err := r.db.Returning(ctx, countAttempt, []any{key, now.UnixMilli(), now.Add(window).UnixMilli()}, &n); err != nil {
		return 0, fmt.Errorf("count an attempt: %w", err)
	}
	return n, nil
}

// Attempts implements store.Attempts.
func (r *Roles) Attempts(ctx context.Context, key string, now time.Time) (int, error) {
	n, err := one(ctx, r.db, integer, readAttempts, key, now.UnixMilli())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("read attempts: %w", err)
	}
	return int(n), nil
}

// ClearAttempts implements store.Attempts.
func (r *Roles) ClearAttempts(ctx context.Context, key string) error {
	if _, err := r.db.Exec(ctx, clearAttempts, key); err != nil {
		return fmt.Errorf("clear attempts: %w", err)
	}
	return nil
}

// PutPushedRequest implements store.PushedRequests.
func (r *Roles) PutPushedRequest(ctx context.Context, p store.PushedRequest) error {
	if _, err := r.db.Exec(ctx, putPushed, p.Hash, p.ClientID, p.Parameters, p.Expires.Unix()); err != nil {
		return fmt.Errorf("put a pushed request: %w", err)
	}
	return nil
}

// TakePushedRequest implements store.PushedRequests.
func (r *Roles) TakePushedRequest(ctx context.Context, hash string, now time.Time) (store.PushedRequest, error) {
	p := store.PushedRequest{Hash: hash}
	var expires int64
	err := r.look(ctx, pushedThere, hash, now.Unix())
	if err == nil {
		err = r.db.Returning(ctx, takePushed, []any{hash, now.Unix()}, &p.ClientID, &p.Parameters, &expires)
	}
	if err != nil {
		return store.PushedRequest{}, fmt.Errorf("take a pushed request: %w", err)
	}
	p.Expires = time.Unix(expires, 0).UTC()
	return p, nil
}

// RevokeToken implements store.RevokedTokens.
func (r *Roles) RevokeToken(ctx context.Context, jti string, expires time.Time) error {
	if _, err := r.db.End(ctx, revokeToken, jti, expires.Unix()); err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}

// TokenRevoked implements store.RevokedTokens.
func (r *Roles) TokenRevoked(ctx context.Context, jti string) (bool, error) {
	found, err := list(ctx, r.db, integer, tokenRevoked, jti)
	if err != nil {
		return false, fmt.Errorf("look up a revoked token: %w", err)
	}
	return len(found) > 0, nil
}
