package sqlstore

import (
	"context"
	"errors"

	"clientele.dev/clientele/authserver/policy"
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
		existing, err := first(list(ctx, tx, r.scanPolicy, policyByUID, uid))
		if err != nil {
			return err
		}
		change, err := decide(existing)
		if err != nil {
			return err
		}
		return r.changePolicy(ctx, tx, uid, change)
	})
}

func (r *Roles) changePolicy(ctx context.Context, tx Tx, uid string, change store.PolicyChange) error {
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
	p := change.Put
	record, err := p.Encode()
	if err != nil {
		return err
	}
	mac, err := r.signing.sign(policyRow, record, p.UID, p.Cluster)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, putPolicy, p.UID, p.Cluster, string(record), mac)
	return err
}

func (r *Roles) scanPolicy(row Scan) (store.Policy, error) {
	var (
		uid, cluster, record, mac string
		revision                  int64
	)
	if err := row(&uid, &cluster, &record, &mac, &revision); err != nil {
		return store.Policy{}, err
	}
	err := r.signing.verify(policyRow, mac, []byte(record), uid, cluster)
	if errors.Is(err, errForged) {
		return store.Policy{Policy: policy.Policy{UID: uid, Cluster: cluster}, Tampered: true, Revision: revision}, nil
	}
	if err != nil {
		return store.Policy{}, err
	}
	p, err := store.DecodePolicy([]byte(record))
	p.Revision = revision
	return p, err
}
