package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"clientele.dev/clientele/authserver/credential"
)

// Bind implements store.Binding.
func (s *Store) Bind(ctx context.Context, serverKeysID string) (storeID string, wiped bool, err error) {
	_, err = s.transact(ctx, func(tx *sql.Tx) error {
		var boundTo string
		err := tx.QueryRowContext(ctx, `SELECT store_id, server_keys_id FROM meta`).Scan(&storeID, &boundTo)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if storeID != "" && boundTo == serverKeysID {
			return errNothing
		}
		storeID = credential.NewID()
		wiped, err = empty(ctx, tx)
		if err != nil {
			return err
		}
		return s.give(ctx, tx, storeID, serverKeysID)
	})
	if errors.Is(err, errNothing) {
		return storeID, false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("bind the store: %w", err)
	}
	return storeID, wiped, nil
}

// content is what goes when the server keys are lost. Leases stay: the replicas
// are still there. So do revoked tokens and counted attempts: they end something,
// which other keys are no reason to take back.
var content = []string{"clients", "policies", "codes", "families", "sessions", "consents", "pushed_requests", "deletions"}

// empty the store and say whether there was something in it.
func empty(ctx context.Context, tx *sql.Tx) (bool, error) {
	var removed int64
	for _, table := range content {
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM `+table))
		if err != nil {
			return false, err
		}
		if table != "deletions" {
			removed += n
		}
	}
	return removed > 0, nil
}

// give the store an identity. The row may be missing if somebody deleted it, and
// with it the revision: the clock stands in for that.
func (s *Store) give(ctx context.Context, tx *sql.Tx, storeID, serverKeysID string) error {
	const q = `INSERT INTO meta (one, store_id, server_keys_id, revision, floor) VALUES (1, ?1, ?2, ?3, ?3)
		ON CONFLICT (one) DO UPDATE SET store_id = ?1, server_keys_id = ?2, revision = revision + 1, floor = revision + 1`
	_, err := tx.ExecContext(ctx, q, storeID, serverKeysID, s.now().UnixMicro())
	return err
}
