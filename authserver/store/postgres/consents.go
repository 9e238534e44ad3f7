package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"clientele.dev/clientele/authserver/store"
)

const (
	addConsent = `INSERT INTO consents (subject, client_id, resource, scope, granted)
		SELECT $1, $2, $3, scope, $5 FROM unnest($4::text[]) AS scope ORDER BY scope COLLATE "C"
		ON CONFLICT DO NOTHING`
	readConsents = `SELECT subject, client_id, resource, scope, granted FROM consents WHERE `
)

// AddConsent implements store.Consents. What was there already is not written
// again.
func (s *Store) AddConsent(ctx context.Context, c store.Consent) error {
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = []string{""}
	}
	if _, err := s.exec(ctx, addConsent, c.Subject, c.ClientID, c.Resource, scopes, seconds(c.Granted)); err != nil {
		return fmt.Errorf("add a consent: %w", err)
	}
	return nil
}

// Consent implements store.Consents.
func (s *Store) Consent(ctx context.Context, subject, clientID, resource string) (store.Consent, error) {
	const q = readConsents + `subject = $1 AND client_id = $2 AND resource = $3 ORDER BY scope`
	rows, err := list(ctx, s.pool, scanConsent, q, subject, clientID, resource)
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
	rows, err := list(ctx, s.pool, scanConsent, readConsents+`subject = $1 ORDER BY client_id, resource, scope`, subject)
	if err != nil {
		return nil, fmt.Errorf("list a person's consents: %w", err)
	}
	return store.JoinConsents(rows), nil
}

// WithdrawConsents implements store.Consents.
func (s *Store) WithdrawConsents(ctx context.Context, subject, clientID string) error {
	if _, err := s.exec(ctx, `DELETE FROM consents WHERE subject = $1 AND client_id = $2`, subject, clientID); err != nil {
		return fmt.Errorf("withdraw consents: %w", err)
	}
	return nil
}

func scanConsent(row pgx.CollectableRow) (r store.ConsentRow, err error) {
	err = row.Scan(&r.Subject, &r.ClientID, &r.Resource, &r.Scope, &r.Granted)
	return r, err
}
