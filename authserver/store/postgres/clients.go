package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

const readClients = `SELECT client_id, cluster, namespace, name, record, mac, revision FROM clients WHERE `

// Client implements store.Clients.
func (s *Store) Client(ctx context.Context, clientID string) (store.Client, error) {
	c, err := one(ctx, s.pool, scanClient, readClients+`client_id = $1`, clientID)
	if state(err) == notInRepertoire {
		err = store.ErrNotFound // no id that can be stored is like that
	}
	if err != nil {
		return store.Client{}, fmt.Errorf("client %q: %w", clientID, err)
	}
	return c, nil
}

// ChangeClient implements store.Clients.
func (s *Store) ChangeClient(ctx context.Context, owner oauth.Owner, clientID string, decide func(store.ExistingClients) (store.ClientChange, error)) (int64, error) {
	return s.decide(ctx, func(tx pgx.Tx) error {
		existing, err := existingClients(ctx, tx, owner, clientID)
		if err != nil {
			return err
		}
		change, err := decide(existing)
		if err != nil {
			return err
		}
		return changeClient(ctx, tx, change)
	})
}

func existingClients(ctx context.Context, tx pgx.Tx, owner oauth.Owner, clientID string) (e store.ExistingClients, err error) {
	if e.ByID, err = first(list(ctx, tx, scanClient, readClients+`client_id = $1`, clientID)); err != nil || owner.Namespace == "" {
		return e, err
	}
	const byOwner = readClients + `cluster = $1 AND namespace = $2 AND name = $3 AND namespace <> ''`
	e.ByOwner, err = first(list(ctx, tx, scanClient, byOwner, owner.Cluster, owner.Namespace, owner.Name))
	return e, err
}

func changeClient(ctx context.Context, tx pgx.Tx, change store.ClientChange) error {
	if change == (store.ClientChange{}) {
		return errNothing
	}
	if change.Delete != "" {
		if _, err := tx.Exec(ctx, `DELETE FROM clients WHERE client_id = $1`, change.Delete); err != nil {
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
	const q = `INSERT INTO clients (client_id, cluster, namespace, name, record, mac) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (client_id) DO UPDATE SET cluster = excluded.cluster, namespace = excluded.namespace,
			name = excluded.name, record = excluded.record, mac = excluded.mac`
	_, err = tx.Exec(ctx, q, row.ID, row.Cluster, row.Namespace, row.Name, string(row.Record), row.MAC)
	return err
}

// first of what was listed; nil if there is none.
func first[T any](found []T, err error) (*T, error) {
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func scanClient(row pgx.CollectableRow) (store.Client, error) {
	var r store.Row
	err := row.Scan(&r.ID, &r.Cluster, &r.Namespace, &r.Name, (*text)(&r.Record), &r.MAC, &r.Revision)
	if err != nil {
		return store.Client{}, err
	}
	return r.Client(), nil
}

// text is a TEXT column read into bytes.
type text []byte

// ScanText implements pgtype.TextScanner.
func (t *text) ScanText(v pgtype.Text) error {
	*t = text(v.String)
	return nil
}
