package sqlstore

import (
	"context"
	"fmt"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

const (
	readClients   = `SELECT client_id, cluster, namespace, name, record, mac, revision FROM clients WHERE `
	clientByID    = readClients + `client_id = $1`
	clientByOwner = readClients + `cluster = $1 AND namespace = $2 AND name = $3 AND namespace <> ''`
	clientsSince  = readClients + `revision >= $1 ORDER BY revision`
	deleteClient  = `DELETE FROM clients WHERE client_id = $1`
	putClient     = `INSERT INTO clients (client_id, cluster, namespace, name, record, mac) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (client_id) DO UPDATE SET cluster = excluded.cluster, namespace = excluded.namespace,
			name = excluded.name, record = excluded.record, mac = excluded.mac`
)

// Client implements store.Clients.
func (r *Roles) Client(ctx context.Context, clientID string) (store.Client, error) {
	c, err := one(ctx, r.db, scanClient, clientByID, clientID)
	if err != nil {
		return store.Client{}, fmt.Errorf("client %q: %w", clientID, err)
	}
	return c, nil
}

// ChangeClient implements store.Clients.
func (r *Roles) ChangeClient(ctx context.Context, owner oauth.Owner, clientID string, decide func(store.ExistingClients) (store.ClientChange, error)) (int64, error) {
	return r.decide(ctx, func(tx Tx) error {
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

func existingClients(ctx context.Context, tx Tx, owner oauth.Owner, clientID string) (e store.ExistingClients, err error) {
	if e.ByID, err = first(list(ctx, tx, scanClient, clientByID, clientID)); err != nil || owner.Namespace == "" {
		return e, err
	}
	e.ByOwner, err = first(list(ctx, tx, scanClient, clientByOwner, owner.Cluster, owner.Namespace, owner.Name))
	return e, err
}

func changeClient(ctx context.Context, tx Tx, change store.ClientChange) error {
	if change == (store.ClientChange{}) {
		return ErrNothing
	}
	if change.Delete != "" {
		if _, err := tx.Exec(ctx, deleteClient, change.Delete); err != nil {
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
	_, err = tx.Exec(ctx, putClient, row.ID, row.Cluster, row.Namespace, row.Name, string(row.Record), row.MAC)
	return err
}

func scanClient(row Scan) (store.Client, error) {
	var r store.Row
	var record string
	if err := row(&r.ID, &r.Cluster, &r.Namespace, &r.Name, &record, &r.MAC, &r.Revision); err != nil {
		return store.Client{}, err
	}
	r.Record = []byte(record)
	return r.Client(), nil
}
