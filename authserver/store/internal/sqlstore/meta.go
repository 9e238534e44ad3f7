package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

const (
	readMeta     = `SELECT store_id, revision, floor, complete FROM meta`
	readRevision = `SELECT coalesce(max(revision), 0) FROM meta`
	readBinding  = `SELECT store_id, server_keys_id FROM meta`
	// The row may be missing if somebody deleted it, and with it the revision: the
	// clock stands in for that.
	giveIdentity = `INSERT INTO meta (one, store_id, server_keys_id, revision, floor) VALUES (1, $1, $2, $3, $3)
		ON CONFLICT (one) DO UPDATE SET store_id = $1, server_keys_id = $2, revision = meta.revision + 1, floor = meta.revision + 1, complete = 0`
	markComplete = `UPDATE meta SET complete = 1, revision = revision + 1 WHERE store_id = $1 AND complete = 0`
)

// meta is what the store is.
type meta struct {
	storeID  string
	revision int64
	floor    int64
	complete bool
}

// bound reads what the store is, and refuses one that is not bound.
func bound(ctx context.Context, q Querier, lock string) (meta, error) {
	m, err := one(ctx, q, func(row Scan) (m meta, err error) {
		var complete int64
		err = row(&m.storeID, &m.revision, &m.floor, &complete)
		m.complete = complete != 0
		return m, err
	}, readMeta+lock)
	if errors.Is(err, store.ErrNotFound) || err == nil && m.storeID == "" {
		return meta{}, store.ErrNotBound
	}
	return m, err
}

// Revision of a store; 0 while it has none: somebody deleted the row.
func Revision(ctx context.Context, q Querier) (int64, error) {
	revision, err := one(ctx, q, integer, readRevision)
	if err != nil {
		return 0, fmt.Errorf("read the revision: %w", err)
	}
	return revision, nil
}

type transact = func(ctx context.Context, do func(Tx) error) (int64, error)

// decide runs do in a write transaction of a store that is bound, one such change
// after the other. do returns ErrNothing when nothing is to be changed. It returns
// the revision afterwards. transact is one of the database's two.
func (r *Roles) decide(ctx context.Context, transact transact, do func(Tx) error) (int64, error) {
	var is meta
	revision, err := transact(ctx, func(tx Tx) (err error) {
		if is, err = bound(ctx, tx, r.dialect.LockMeta); err != nil {
			return err
		}
		return do(tx)
	})
	if errors.Is(err, ErrNothing) {
		return is.revision, nil
	}
	return revision, err
}

// Bind implements store.Binding. Of replicas that bind at once to other keys, one
// empties the store, and all get the same id.
func (r *Roles) Bind(ctx context.Context, serverKeysID string) (storeID string, wiped bool, err error) {
	_, err = r.db.Transact(ctx, func(tx Tx) (err error) {
		var boundTo string
		if storeID, boundTo, err = r.binding(ctx, tx); err != nil {
			return err
		}
		if storeID != "" && boundTo == serverKeysID {
			return ErrNothing
		}
		storeID = credential.NewID()
		if wiped, err = empty(ctx, tx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, giveIdentity, storeID, serverKeysID, r.now().UnixMicro())
		return err
	})
	if errors.Is(err, ErrNothing) {
		return storeID, false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("bind the store: %w", err)
	}
	return storeID, wiped, nil
}

// MarkComplete implements store.Completion.
func (r *Roles) MarkComplete(ctx context.Context, storeID string) error {
	_, err := r.decide(ctx, r.db.Transact, func(tx Tx) error {
		switch is, err := bound(ctx, tx, ``); {
		case err != nil:
			return err
		case is.storeID != storeID:
			return store.ErrNotFound
		case is.complete:
			return ErrNothing
		}
		_, err := tx.Exec(ctx, markComplete, storeID)
		return err
	})
	if err != nil {
		return fmt.Errorf("mark the store as complete: %w", err)
	}
	return nil
}

// binding reads to what the store is bound, and keeps others from binding it.
func (r *Roles) binding(ctx context.Context, tx Tx) (storeID, boundTo string, err error) {
	if r.dialect.LockBinding != "" {
		if _, err := tx.Exec(ctx, r.dialect.LockBinding); err != nil {
			return "", "", err
		}
	}
	err = tx.Query(ctx, readBinding, nil, func(row Scan) error { return row(&storeID, &boundTo) })
	return storeID, boundTo, err
}

// content is what goes when the server keys are lost. Leases stay: the replicas
// are still there. So do revoked tokens and counted attempts: they end something,
// which other keys are no reason to take back.
var content = []string{"clients", "policies", "codes", "families", "sessions", "consents", "withdrawals", "pushed_requests", "deletions"}

// empty the store and say whether there was something in it.
func empty(ctx context.Context, tx Tx) (bool, error) {
	var removed int64
	for _, table := range content {
		n, err := tx.Exec(ctx, `DELETE FROM `+table)
		if err != nil {
			return false, err
		}
		if table != "deletions" {
			removed += n
		}
	}
	return removed > 0, nil
}
