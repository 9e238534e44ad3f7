package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

const clientColumns = `client_id, cluster, namespace, name, record, mac, revision`

// Client implements store.Clients.
func (s *Store) Client(ctx context.Context, clientID string) (store.Client, error) {
	c, err := findClient(ctx, s.read, `client_id = ?`, clientID)
	if err != nil {
		return store.Client{}, fmt.Errorf("read client %q: %w", clientID, err)
	}
	if c == nil {
		return store.Client{}, fmt.Errorf("client %q: %w", clientID, store.ErrNotFound)
	}
	return *c, nil
}

// ChangeClient implements store.Clients. Writers exclude each other, so decide
// runs once.
func (s *Store) ChangeClient(ctx context.Context, owner oauth.Owner, clientID string, decide func(store.ExistingClients) (store.ClientChange, error)) (int64, error) {
	return s.decide(ctx, func(tx *sql.Tx) error {
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

func existingClients(ctx context.Context, tx *sql.Tx, owner oauth.Owner, clientID string) (store.ExistingClients, error) {
	byID, err := findClient(ctx, tx, `client_id = ?`, clientID)
	if err != nil {
		return store.ExistingClients{}, err
	}
	var byOwner *store.Client
	if owner.Namespace != "" {
		byOwner, err = findClient(ctx, tx, `cluster = ? AND namespace = ? AND name = ?`, owner.Cluster, owner.Namespace, owner.Name)
	}
	return store.ExistingClients{ByOwner: byOwner, ByID: byID}, err
}

func changeClient(ctx context.Context, tx *sql.Tx, change store.ClientChange) error {
	if change == (store.ClientChange{}) {
		return errNothing
	}
	if change.Delete != "" {
		if _, err := tx.ExecContext(ctx, `DELETE FROM clients WHERE client_id = ?`, change.Delete); err != nil {
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
	const q = `INSERT INTO clients (client_id, cluster, namespace, name, record, mac) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (client_id) DO UPDATE SET cluster = excluded.cluster, namespace = excluded.namespace,
			name = excluded.name, record = excluded.record, mac = excluded.mac`
	_, err = tx.ExecContext(ctx, q, row.ID, row.Cluster, row.Namespace, row.Name, string(row.Record), row.MAC)
	return err
}

// querier is a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// findClient returns nil if there is none. where is one of this file's constants,
// never text from outside.
func findClient(ctx context.Context, q querier, where string, args ...any) (*store.Client, error) {
	found, err := listClients(ctx, q, where+` LIMIT 1`, args...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func listClients(ctx context.Context, q querier, where string, args ...any) ([]store.Client, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+clientColumns+` FROM clients WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err has said it
	var found []store.Client
	for rows.Next() {
		var r store.Row
		if err := rows.Scan(&r.ID, &r.Cluster, &r.Namespace, &r.Name, &r.Record, &r.MAC, &r.Revision); err != nil {
			return nil, err
		}
		found = append(found, r.Client())
	}
	return found, rows.Err()
}
