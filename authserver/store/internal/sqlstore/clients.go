package sqlstore

import (
	"context"
	"errors"
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
	endFamilies   = `DELETE FROM families WHERE client_id = $1`
	endConsents   = `DELETE FROM consents WHERE client_id = $1`
	endWithdrawn  = `DELETE FROM withdrawals WHERE client_id = $1`
	putClient     = `INSERT INTO clients (client_id, cluster, namespace, name, record, mac) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (client_id) DO UPDATE SET cluster = excluded.cluster, namespace = excluded.namespace,
			name = excluded.name, record = excluded.record, mac = excluded.mac`
)

// Client implements store.Clients.
func (r *Roles) Client(ctx context.Context, clientID string) (store.Client, error) {
	c, err := one(ctx, r.db, r.scanClient, clientByID, clientID)
	if err == nil && c.Tampered {
		err = errForged
	}
	if err != nil {
		return store.Client{}, fmt.Errorf("client %q: %w", clientID, err)
	}
	return c, nil
}

// errEnds is why a change that ends something is decided once more, durably: most
// changes end nothing, and should not wait for a disk.
var errEnds = errors.New("the change ends something")

// ChangeClient implements store.Clients.
func (r *Roles) ChangeClient(ctx context.Context, owner oauth.Owner, clientID string, decide func(store.ExistingClients) (store.ClientChange, error)) (int64, error) {
	attempt := func(durable bool) func(Tx) error {
		return func(tx Tx) error {
			existing, err := r.existingClients(ctx, tx, owner, clientID)
			if err != nil {
				return err
			}
			change, err := decide(existing)
			switch {
			case err != nil:
				return err
			case change == (store.ClientChange{}):
				return ErrNothing
			case ends(change) && !durable:
				return errEnds
			}
			return r.changeClient(ctx, tx, change)
		}
	}
	revision, err := r.decide(ctx, r.db.Transact, attempt(false))
	if errors.Is(err, errEnds) {
		return r.decide(ctx, r.db.Durably, attempt(true))
	}
	return revision, err
}

func ends(c store.ClientChange) bool { return c.Delete != "" || c.EndConsents || c.EndGrants }

func (r *Roles) existingClients(ctx context.Context, tx Tx, owner oauth.Owner, clientID string) (e store.ExistingClients, err error) {
	if e.ByID, err = first(list(ctx, tx, r.scanClient, clientByID, clientID)); err != nil || owner.Namespace == "" {
		return e, err
	}
	e.ByOwner, err = first(list(ctx, tx, r.scanClient, clientByOwner, owner.Cluster, owner.Namespace, owner.Name))
	return e, err
}

func (r *Roles) changeClient(ctx context.Context, tx Tx, change store.ClientChange) error {
	if id := change.Delete; id != "" {
		if _, err := tx.Exec(ctx, deleteClient, id); err != nil {
			return err
		}
		if err := r.endGrants(ctx, tx, id); err != nil {
			return err
		}
	}
	if change.Put == nil {
		return nil
	}
	if err := r.endBefore(ctx, tx, change); err != nil {
		return err
	}
	return r.putClient(ctx, tx, *change.Put)
}

func (r *Roles) putClient(ctx context.Context, tx Tx, c store.Client) error {
	record, err := c.Encode()
	if err != nil {
		return err
	}
	id := c.Registration.ClientID
	var owner oauth.Owner
	if m := c.Registration.Managed; m != nil {
		owner = m.Owner
	}
	mac, err := r.signing.sign(clientRow, record, id, owner.Cluster, owner.Namespace, owner.Name)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, putClient, id, owner.Cluster, owner.Namespace, owner.Name, string(record), mac)
	return err
}

// endBefore ends what the client id had before the change.
func (r *Roles) endBefore(ctx context.Context, tx Tx, change store.ClientChange) error {
	id := change.Put.Registration.ClientID
	if change.EndGrants {
		return r.endGrants(ctx, tx, id)
	}
	if change.EndConsents {
		_, err := tx.Exec(ctx, endConsents, id)
		return err
	}
	return nil
}

// endGrants of a client id. Codes stay, revoked: one that was taken may be about to
// become a family. Families go: nobody has a use for them any more.
func (r *Roles) endGrants(ctx context.Context, tx Tx, clientID string) error {
	if _, err := r.revokeCodes(ctx, tx, store.FamilyFilter{ClientID: clientID}, r.now()); err != nil {
		return err
	}
	for _, statement := range []string{endFamilies, endConsents, endWithdrawn} {
		if _, err := tx.Exec(ctx, statement, clientID); err != nil {
			return err
		}
	}
	return nil
}

func (r *Roles) scanClient(row Scan) (store.Client, error) {
	var (
		id, record, mac string
		owner           oauth.Owner
		revision        int64
	)
	if err := row(&id, &owner.Cluster, &owner.Namespace, &owner.Name, &record, &mac, &revision); err != nil {
		return store.Client{}, err
	}
	err := r.signing.verify(clientRow, mac, []byte(record), id, owner.Cluster, owner.Namespace, owner.Name)
	if errors.Is(err, errForged) {
		reg := oauth.Registration{ClientID: id, Managed: &oauth.Managed{Owner: owner}}
		return store.Client{Registration: reg, Tampered: true, Revision: revision}, nil
	}
	if err != nil {
		return store.Client{}, err
	}
	c, err := store.DecodeClient([]byte(record))
	c.Revision = revision
	return c, err
}
