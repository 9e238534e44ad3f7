package sqlite

import (
	"context"
	"database/sql"

	"clientele.dev/clientele/authserver/store"
)

// ChangePolicy implements store.Policies.
func (s *Store) ChangePolicy(ctx context.Context, uid string, decide func(*store.Policy) (store.PolicyChange, error)) (int64, error) {
	return s.decide(ctx, func(tx *sql.Tx) error {
		existing, err := findPolicy(ctx, tx, uid)
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

func changePolicy(ctx context.Context, tx *sql.Tx, uid string, change store.PolicyChange) error {
	if change == (store.PolicyChange{}) {
		return errNothing
	}
	if change.Delete {
		if _, err := tx.ExecContext(ctx, `DELETE FROM policies WHERE uid = ?`, uid); err != nil {
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
	const q = `INSERT INTO policies (uid, cluster, record, mac) VALUES (?, ?, ?, ?)
		ON CONFLICT (uid) DO UPDATE SET cluster = excluded.cluster, record = excluded.record, mac = excluded.mac`
	_, err = tx.ExecContext(ctx, q, row.ID, row.Cluster, string(row.Record), row.MAC)
	return err
}

func findPolicy(ctx context.Context, q querier, uid string) (*store.Policy, error) {
	found, err := listPolicies(ctx, q, `uid = ?`, uid)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// listPolicies: where is one of this package's constants.
func listPolicies(ctx context.Context, q querier, where string, args ...any) ([]store.Policy, error) {
	rows, err := q.QueryContext(ctx, `SELECT uid, cluster, record, mac, revision FROM policies WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err has said it
	var found []store.Policy
	for rows.Next() {
		var r store.Row
		if err := rows.Scan(&r.ID, &r.Cluster, &r.Record, &r.MAC, &r.Revision); err != nil {
			return nil, err
		}
		found = append(found, r.Policy())
	}
	return found, rows.Err()
}
