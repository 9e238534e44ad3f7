package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/store"
)

const readPolicies = `SELECT uid, cluster, record, mac, revision FROM policies WHERE `

// ChangePolicy implements store.Policies.
func (s *Store) ChangePolicy(ctx context.Context, uid string, decide func(*store.Policy) (store.PolicyChange, error)) (int64, error) {
	return s.decide(ctx, func(tx pgx.Tx) error {
		existing, err := first(list(ctx, tx, scanPolicy, readPolicies+`uid = $1`, uid))
		if err != nil {
			return err
		}
		change, err := decide(existing)
		if err != nil {
			return err
		}
		return changePolicy(ctx, tx, uid, change)
	})
}

func changePolicy(ctx context.Context, tx pgx.Tx, uid string, change store.PolicyChange) error {
	if change == (store.PolicyChange{}) {
		return errNothing
	}
	if change.Delete {
		if _, err := tx.Exec(ctx, `DELETE FROM policies WHERE uid = $1`, uid); err != nil {
			return err
		}
	}
	if change.Put == nil {
		return nil
	}
	row, err := change.Put.Row()
	if err != nil {
		return err
	}
	const q = `INSERT INTO policies (uid, cluster, record, mac) VALUES ($1, $2, $3, $4)
		ON CONFLICT (uid) DO UPDATE SET cluster = excluded.cluster, record = excluded.record, mac = excluded.mac`
	_, err = tx.Exec(ctx, q, row.ID, row.Cluster, string(row.Record), row.MAC)
	return err
}

func scanPolicy(row pgx.CollectableRow) (store.Policy, error) {
	var r store.Row
	if err := row.Scan(&r.ID, &r.Cluster, (*text)(&r.Record), &r.MAC, &r.Revision); err != nil {
		return store.Policy{}, err
	}
	return r.Policy(), nil
}
