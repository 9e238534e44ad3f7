package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/store"
)

const (
	readConsents     = `SELECT subject, client_id, resource, scope, granted FROM consents WHERE `
	consentOf        = readConsents + `subject = $1 AND client_id = $2 AND resource = $3 AND granted >= $4 ORDER BY scope`
	consentsOf       = readConsents + `subject = $1 ORDER BY client_id, resource, scope`
	keepConsent      = ` ON CONFLICT (subject, client_id, resource, scope) DO UPDATE SET granted = excluded.granted WHERE consents.granted < $6`
	withdrawConsents = `DELETE FROM consents WHERE subject = $1 AND client_id = $2`
)

// AddConsent implements store.Consents. What was there already is not written
// again.
func (r *Roles) AddConsent(ctx context.Context, c store.Consent, since time.Time) error {
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = []string{""}
	}
	list, err := json.Marshal(scopes)
	if err == nil {
		_, err = r.db.Exec(ctx, r.dialect.InsertConsent+keepConsent, c.Subject, c.ClientID, c.Resource, string(list), seconds(c.Granted), seconds(since))
	}
	if err != nil {
		return fmt.Errorf("add a consent: %w", err)
	}
	return nil
}

// Consent implements store.Consents.
func (r *Roles) Consent(ctx context.Context, subject, clientID, resource string, since time.Time) (store.Consent, error) {
	rows, err := list(ctx, r.db, scanConsent, consentOf, subject, clientID, resource, seconds(since))
	if err == nil && len(rows) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Consent{}, fmt.Errorf("consent: %w", err)
	}
	return store.JoinConsents(rows)[0], nil
}

// ConsentsOf implements store.Consents, in the order of client and resource.
func (r *Roles) ConsentsOf(ctx context.Context, subject string) ([]store.Consent, error) {
	rows, err := list(ctx, r.db, scanConsent, consentsOf, subject)
	if err != nil {
		return nil, fmt.Errorf("list a person's consents: %w", err)
	}
	return store.JoinConsents(rows), nil
}

// WithdrawConsents implements store.Consents.
func (r *Roles) WithdrawConsents(ctx context.Context, subject, clientID string) error {
	if _, err := r.db.End(ctx, withdrawConsents, subject, clientID); err != nil {
		return fmt.Errorf("withdraw consents: %w", err)
	}
	return nil
}

func scanConsent(row Scan) (c store.ConsentRow, err error) {
	err = row(&c.Subject, &c.ClientID, &c.Resource, &c.Scope, &c.Granted)
	return c, err
}
