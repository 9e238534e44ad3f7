package sqlstore

import (
	"context"

	"clientele.dev/clientele/authserver/store"
)

const (
	readPolicies  = `SELECT uid, cluster, record, mac, revision FROM policies WHERE `
	policyByUID   = readPolicies + `uid = $1`
	policiesSince = readPolicies + `revision >= $1 ORDER BY revision`
	deletePolicy  = `DELETE FROM policies WHERE uid = $1`
	putPolicy     = `INSERT INTO policies (uid, cluster, record, mac) VALUES ($1, $2, $3, $4)
		ON CONFLICT (uid) DO UPDATE SET cluster = excluded.cluster, record = excluded.record, mac = excluded.mac`
)

// ChangePolicy implements store.Policies.
func (r *Roles) ChangePolicy(ctx context.Context, uid string, decide func(*store.Policy) (store.PolicyChange, error)) (int64, error) {
	return r.decide(ctx, r.db.Transact, func(tx Tx) error {
		existing, err := first(list(ctx, tx, scanPolicy, policyByUID, uid))
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

func changePolicy(ctx context.Context, tx Tx, uid string, change store.PolicyChange) error {
	if change == (store.PolicyChange{}) {
		return ErrNothing
	}
	if change.Delete {
		if _, err := tx.Exec(ctx, deletePolicy, uid); err != nil {
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
	_, err = tx.Exec(ctx, putPolicy, row.ID, row.Cluster, string(row.Record), row.MAC)
	return err
}

func scanPolicy(row Scan) (store.Policy, error) {
	var r store.Row
	var record string
	if err := row(&r.ID, &r.Cluster, &record, &r.MAC, &r.Revision); err != nil {
		return store.Policy{}, err
	}
	r.Record = []byte(record)
	return r.Policy(), nil
}
