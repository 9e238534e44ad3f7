package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"clientele.dev/clientele/authserver/store"
)

const (
	addConsent = `INSERT INTO consents (subject, client_id, resource, scope, granted)
		SELECT ?1, ?2, ?3, value, ?5 FROM json_each(?4) WHERE true
		ON CONFLICT DO NOTHING`
	readConsent = `SELECT subject, client_id, resource, scope, granted FROM consents
		WHERE subject = ? AND client_id = ? AND resource = ? ORDER BY scope`
	consentsOf = `SELECT subject, client_id, resource, scope, granted FROM consents
		WHERE subject = ? ORDER BY client_id, resource, scope`
)

// AddConsent implements store.Consents. What was there already is not written
// again.
func (s *Store) AddConsent(ctx context.Context, c store.Consent) error {
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = []string{""}
	}
	asJSON, err := json.Marshal(scopes)
	if err != nil {
		return fmt.Errorf("add a consent: %w", err)
	}
	_, err = s.exec(ctx, s.statements.addConsent, c.Subject, c.ClientID, c.Resource, string(asJSON), seconds(c.Granted))
	if err != nil {
		return fmt.Errorf("add a consent: %w", err)
	}
	return nil
}

// Consent implements store.Consents.
func (s *Store) Consent(ctx context.Context, subject, clientID, resource string) (store.Consent, error) {
	rows, err := list(ctx, s.statements.consent, []any{subject, clientID, resource}, scanConsent)
	if err == nil && len(rows) == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return store.Consent{}, fmt.Errorf("consent: %w", err)
	}
	return store.JoinConsents(rows)[0], nil
}

// ConsentsOf implements store.Consents, in the order of client and resource.
func (s *Store) ConsentsOf(ctx context.Context, subject string) ([]store.Consent, error) {
	rows, err := list(ctx, s.statements.consentsOf, []any{subject}, scanConsent)
	if err != nil {
		return nil, fmt.Errorf("list a person's consents: %w", err)
	}
	return store.JoinConsents(rows), nil
}

// WithdrawConsents implements store.Consents.
func (s *Store) WithdrawConsents(ctx context.Context, subject, clientID string) error {
	err := s.durably(ctx, func(tx *sql.Tx) error {
		n, err := affected(tx.ExecContext(ctx, `DELETE FROM consents WHERE subject = ? AND client_id = ?`, subject, clientID))
		if err == nil && n == 0 {
			err = errNothing
		}
		return err
	})
	if err != nil && !errors.Is(err, errNothing) {
		return fmt.Errorf("withdraw consents: %w", err)
	}
	return nil
}

func scanConsent(rows *sql.Rows) (store.ConsentRow, error) {
	var r store.ConsentRow
	err := rows.Scan(&r.Subject, &r.ClientID, &r.Resource, &r.Scope, &r.Granted)
	return r, err
}
