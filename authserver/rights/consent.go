package rights

import (
	"context"
	"errors"
	"fmt"

	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
)

// Consents reads from the store what users consented to.
type Consents struct {
	Store store.Consents
}

// Scopes returns the scopes that a user allowed a client for a resource at a place
// (oauth.Registration.ConsentPlace), none if the user was never asked. A consent
// to an earlier incarnation of the client, or to another promise of the client
// (oauth.Registration.ConsentPromise), does not count. The error is the store's.
func (s Consents) Scopes(ctx context.Context, c *registry.Client, subject, resource, place string) ([]string, error) {
	consent, err := s.Store.Consent(ctx, store.ConsentKey{
		Subject: subject, ClientID: c.ClientID, Resource: resource,
		Place: place, Promise: c.ConsentPromise(), Since: c.Since(),
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a consent: %w", err)
	}
	return consent.Scopes, nil
}

// NotNeeded reports whether a trusted client (oauth.Registration.SkipsConsent) needs no
// consent. Once the user has withdrawn its access it needs consent like any other client.
// The error is the store's.
func (s Consents) NotNeeded(ctx context.Context, c *registry.Client, subject string) (bool, error) {
	withdrawn, err := s.Store.Withdrawn(ctx, subject, c.ClientID, c.Since())
	if err != nil {
		return false, fmt.Errorf("reading a withdrawal: %w", err)
	}
	return !withdrawn, nil
}
