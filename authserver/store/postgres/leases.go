package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/oauth"
)

// RenewLease implements store.Leases. Leases that ran out an hour ago go with it.
func (s *Store) RenewLease(ctx context.Context, r oauth.Replica) error {
	const q = `WITH old AS (DELETE FROM leases WHERE expires < $4::bigint - 3600 AND replica <> $1)
		INSERT INTO leases (replica, key_set_revision, serving_since, expires) VALUES ($1, $2, $3, $4)
		ON CONFLICT (replica) DO UPDATE SET key_set_revision = excluded.key_set_revision,
			serving_since = excluded.serving_since, expires = excluded.expires`
	if _, err := s.exec(ctx, q, r.ID, r.KeySetRevision, r.ServingSince, r.LeaseExpires); err != nil {
		return fmt.Errorf("renew the lease of replica %q: %w", r.ID, err)
	}
	return nil
}

// DropLease implements store.Leases.
func (s *Store) DropLease(ctx context.Context, id string) error {
	if _, err := s.exec(ctx, `DELETE FROM leases WHERE replica = $1`, id); err != nil {
		return fmt.Errorf("drop the lease of replica %q: %w", id, err)
	}
	return nil
}

// Replicas implements store.Leases, in the order of their ids.
func (s *Store) Replicas(ctx context.Context, now time.Time) ([]oauth.Replica, error) {
	const q = `SELECT replica, key_set_revision, serving_since, expires FROM leases WHERE expires > $1 ORDER BY replica`
	found, err := list(ctx, s.pool, func(row pgx.CollectableRow) (r oauth.Replica, err error) {
		err = row.Scan(&r.ID, &r.KeySetRevision, &r.ServingSince, &r.LeaseExpires)
		return r, err
	}, q, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	return found, nil
}
