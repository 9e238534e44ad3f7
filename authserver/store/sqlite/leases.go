package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// RenewLease implements store.Leases. Leases that ran out an hour ago go with it.
func (s *Store) RenewLease(ctx context.Context, r oauth.Replica) error {
	_, err := s.transact(ctx, func(tx *sql.Tx) error {
		const q = `INSERT INTO leases (replica, key_set_revision, serving_since, expires) VALUES (?, ?, ?, ?)
			ON CONFLICT (replica) DO UPDATE SET key_set_revision = excluded.key_set_revision,
				serving_since = excluded.serving_since, expires = excluded.expires`
		if _, err := tx.ExecContext(ctx, q, r.ID, r.KeySetRevision, r.ServingSince, r.LeaseExpires); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM leases WHERE expires < ?`, r.LeaseExpires-3600)
		return err
	})
	if err != nil {
		return fmt.Errorf("renew the lease of replica %q: %w", r.ID, err)
	}
	return nil
}

// DropLease implements store.Leases.
func (s *Store) DropLease(ctx context.Context, id string) error {
	_, err := s.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM leases WHERE replica = ?`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("drop the lease of replica %q: %w", id, err)
	}
	return nil
}

// Replicas implements store.Leases, in the order of their ids.
func (s *Store) Replicas(ctx context.Context, now time.Time) ([]oauth.Replica, error) {
	const q = `SELECT replica, key_set_revision, serving_since, expires FROM leases WHERE expires > ? ORDER BY replica`
	rows, err := s.read.QueryContext(ctx, q, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err has said it
	var found []oauth.Replica
	for rows.Next() {
		var r oauth.Replica
		if err := rows.Scan(&r.ID, &r.KeySetRevision, &r.ServingSince, &r.LeaseExpires); err != nil {
			return nil, fmt.Errorf("list replicas: %w", err)
		}
		found = append(found, r)
	}
	return found, rows.Err()
}
