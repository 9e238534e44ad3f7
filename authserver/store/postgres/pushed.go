package postgres

import (
	"context"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	putPushed  = `INSERT INTO pushed_requests (hash, client_id, parameters, expires) VALUES ($1, $2, $3, $4)`
	takePushed = `DELETE FROM pushed_requests WHERE hash = $1 AND expires > $2 RETURNING client_id, parameters, expires`
)

// PutPushedRequest implements store.PushedRequests.
func (s *Store) PutPushedRequest(ctx context.Context, r store.PushedRequest) error {
	if _, err := s.exec(ctx, putPushed, r.Hash, r.ClientID, r.Parameters, r.Expires.Unix()); err != nil {
		return fmt.Errorf("put a pushed request: %w", err)
	}
	return nil
}

// TakePushedRequest implements store.PushedRequests.
func (s *Store) TakePushedRequest(ctx context.Context, hash string, now time.Time) (store.PushedRequest, error) {
	r := store.PushedRequest{Hash: hash}
	var expires int64
	if err := s.returning(ctx, takePushed, []any{hash, now.Unix()}, &r.ClientID, &r.Parameters, &expires); err != nil {
		return store.PushedRequest{}, fmt.Errorf("take a pushed request: %w", err)
	}
	r.Expires = time.Unix(expires, 0).UTC()
	return r, nil
}
