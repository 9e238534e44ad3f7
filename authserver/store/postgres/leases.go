package postgres

import (
	"context"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store/internal/sqlstore"
)

const (
	renewLease = `INSERT INTO leases (replica, key_set_revision, serving_since, expires, version, protocol) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (replica) DO UPDATE SET key_set_revision = excluded.key_set_revision, serving_since = excluded.serving_since,
			expires = excluded.expires, version = excluded.version, protocol = excluded.protocol`
	forgetLeases = `DELETE FROM leases WHERE expires < $1`
	dropLease    = `DELETE FROM leases WHERE replica = $1`
	readReplicas = `SELECT replica, key_set_revision, serving_since, expires, version, protocol FROM leases WHERE expires > $1 ORDER BY replica`
)

// RenewLease implements store.Leases. Leases that ran out an hour ago go with it.
func (s *Store) RenewLease(ctx context.Context, r oauth.Replica) error {
	_, err := s.db.Exec(ctx, renewLease, r.ID, r.KeySetRevision, r.ServingSince, r.LeaseExpires, r.Version, r.Protocol)
	if err == nil {
		_, err = s.db.Exec(ctx, forgetLeases, r.LeaseExpires-3600)
	}
	if err != nil {
		return fmt.Errorf("renew the lease of replica %q: %w", r.ID, err)
	}
	return nil
}

// DropLease implements store.Leases.
func (s *Store) DropLease(ctx context.Context, id string) error {
	if _, err := s.db.Exec(ctx, dropLease, id); err != nil {
		return fmt.Errorf("drop the lease of replica %q: %w", id, err)
	}
	return nil
}

// Replicas implements store.Leases, in the order of their ids.
func (s *Store) Replicas(ctx context.Context, now time.Time) (found []oauth.Replica, err error) {
	err = s.db.Query(ctx, readReplicas, []any{now.Unix()}, func(row sqlstore.Scan) error {
		var r oauth.Replica
		if err := row(&r.ID, &r.KeySetRevision, &r.ServingSince, &r.LeaseExpires, &r.Version, &r.Protocol); err != nil {
			return err
		}
		found = append(found, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	return found, nil
}
