package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	readConsents = `SELECT subject, client_id, resource, place, promise, scope, granted, mac FROM consents WHERE `
	consentOf    = readConsents + `subject = $1 AND client_id = $2 AND resource = $3 AND place = $4 AND promise = $5 AND granted >= $6 ORDER BY scope`
	consentsOf   = readConsents + `subject = $1 ORDER BY client_id, resource, place, promise, scope`
	keepConsent  = ` ON CONFLICT (subject, client_id, resource, place, scope) DO UPDATE
		SET granted = excluded.granted, mac = excluded.mac, promise = excluded.promise
		WHERE consents.granted < $8 OR consents.mac <> excluded.mac OR consents.promise <> excluded.promise`
	withdrawConsents = `DELETE FROM consents WHERE subject = $1 AND client_id = $2`
	withdrawalOf     = `SELECT count(*) FROM withdrawals WHERE client_id = $1 AND subject = $2 AND at >= $3`
	// Nobody can fill the table with clients that there are not.
	putWithdrawal = `INSERT INTO withdrawals (client_id, subject, at)
		SELECT $1, $2, CAST($3 AS BIGINT) WHERE EXISTS (SELECT 1 FROM clients WHERE client_id = $1)
		ON CONFLICT (client_id, subject) DO UPDATE SET at = excluded.at WHERE withdrawals.at < excluded.at`
)

// AddConsent implements store.Consents. What was there already is not written
// again.
func (r *Roles) AddConsent(ctx context.Context, c store.Consent, since time.Time) error {
	missing, err := r.unconsented(ctx, c, since)
	if err == nil && len(missing) > 0 {
		err = r.putConsents(ctx, c, missing, since)
	}
	if err != nil {
		return fmt.Errorf("add a consent: %w", err)
	}
	return nil
}

// unconsented are the scopes that were not allowed since.
func (r *Roles) unconsented(ctx context.Context, c store.Consent, since time.Time) ([]string, error) {
	there, err := r.Consent(ctx, c.Key(since))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(c.Scopes), func(scope string) bool { return slices.Contains(there.Scopes, scope) }), nil
}

func (r *Roles) putConsents(ctx context.Context, c store.Consent, scopes []string, since time.Time) error {
	rows := make([][2]string, 0, len(scopes))
	for _, scope := range scopes {
		row := store.ConsentRow{
			Subject: c.Subject, ClientID: c.ClientID, Resource: c.Resource, Place: c.Place, Promise: c.Promise,
			Scope: scope, Granted: seconds(c.Granted),
		}
		mac, err := r.signing.sign(consentRow, nil, consentColumns(row)...)
		if err != nil {
			return err
		}
		rows = append(rows, [2]string{scope, mac})
	}
	list, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	_, err = r.db.Exec(ctx, r.dialect.InsertConsent+keepConsent, c.Subject, c.ClientID, c.Resource, string(list), seconds(c.Granted), c.Place, c.Promise, seconds(since))
	return err
}

// consentColumns have the time too: what was allowed to one incarnation of a client does
// not count for the next.
func consentColumns(c store.ConsentRow) []string {
	return []string{c.Subject, c.ClientID, c.Resource, c.Place, c.Promise, c.Scope, strconv.FormatInt(c.Granted, 10)}
}

// Consent implements store.Consents.
func (r *Roles) Consent(ctx context.Context, k store.ConsentKey) (store.Consent, error) {
	rows, err := list(ctx, r.db, r.scanConsent, consentOf, k.Subject, k.ClientID, k.Resource, k.Place, k.Promise, seconds(k.Since))
	if err == nil && len(rows) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Consent{}, fmt.Errorf("consent: %w", err)
	}
	return store.JoinConsents(rows)[0], nil
}

// ConsentsOf implements store.Consents, in the order of client, resource and place.
func (r *Roles) ConsentsOf(ctx context.Context, subject string) ([]store.Consent, error) {
	rows, err := list(ctx, r.db, r.scanConsent, consentsOf, subject)
	if err != nil {
		return nil, fmt.Errorf("list a person's consents: %w", err)
	}
	return store.JoinConsents(rows), nil
}

// WithdrawConsents implements store.Consents.
func (r *Roles) WithdrawConsents(ctx context.Context, subject, clientID string, now time.Time) (bool, error) {
	_, err := r.db.Durably(ctx, func(tx Tx) error {
		removed, err := tx.Exec(ctx, withdrawConsents, subject, clientID)
		if err != nil {
			return err
		}
		noted, err := tx.Exec(ctx, putWithdrawal, clientID, subject, seconds(now))
		if err == nil && removed+noted == 0 {
			err = ErrNothing
		}
		return err
	})
	switch {
	case errors.Is(err, ErrNothing):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("withdraw consents: %w", err)
	}
	return true, nil
}

// Withdrawn implements store.Consents.
func (r *Roles) Withdrawn(ctx context.Context, subject, clientID string, since time.Time) (bool, error) {
	n, err := one(ctx, r.db, integer, withdrawalOf, clientID, subject, seconds(since))
	if err != nil {
		return false, fmt.Errorf("look for a withdrawal: %w", err)
	}
	return n > 0, nil
}

func (r *Roles) scanConsent(row Scan) (store.ConsentRow, error) {
	var c store.ConsentRow
	var mac string
	if err := row(&c.Subject, &c.ClientID, &c.Resource, &c.Place, &c.Promise, &c.Scope, &c.Granted, &mac); err != nil {
		return store.ConsentRow{}, err
	}
	return c, r.signing.authentic(consentRow, c.ClientID, mac, nil, consentColumns(c)...)
}
