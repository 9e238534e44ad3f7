package sqlstore

import (
	"context"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

const (
	renewLease = `INSERT INTO leases (replica, key_set_revision, serving_since, expires) VALUES ($1, $2, $3, $4)
		ON CONFLICT (replica) DO UPDATE SET key_set_revision = excluded.key_set_revision,
			serving_since = excluded.serving_since, expires = excluded.expires`
	forgetLeases = `DELETE FROM leases WHERE expires < $1`
	dropLease    = `DELETE FROM leases WHERE replica = $1`
	readReplicas = `SELECT replica, key_set_revision, serving_since, expires FROM leases WHERE expires > $1 ORDER BY replica`
)

// RenewLease implements store.Leases. Leases that ran out an hour ago go with it.
func (r *Roles) RenewLease(ctx context.Context, replica oauth.Replica) error {
	_, err := r.db.Exec(ctx, renewLease, replica.ID, replica.KeySetRevision, replica.ServingSince, replica.LeaseExpires)
	if err == nil {
		_, err = r.db.Exec(ctx, forgetLeases, replica.LeaseExpires-3600)
	}
	if err != nil {
		return fmt.Errorf("renew the lease of replica %q: %w", replica.ID, err)
	}
	return nil
}

// DropLease implements store.Leases.
func (r *Roles) DropLease(ctx context.Context, id string) error {
	if _, err := r.db.Exec(ctx, dropLease, id); err != nil {
		return fmt.Errorf("drop the lease of replica %q: %w", id, err)
	}
	return nil
}

// Replicas implements store.Leases, in the order of their ids.
func (r *Roles) Replicas(ctx context.Context, now time.Time) ([]oauth.Replica, error) {
	found, err := list(ctx, r.db, scanReplica, readReplicas, now.Unix())
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	return found, nil
}

func scanReplica(row Scan) (r oauth.Replica, err error) {
	err = row(&r.ID, &r.KeySetRevision, &r.ServingSince, &r.LeaseExpires)
	return r, err
}
