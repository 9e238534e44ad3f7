package main

import (
	"context"
	"maps"
	"sync"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// counting is a store that counts what requests ask of it, by the name of the
// method. Each of these methods is one statement.
type counting struct {
	store.Store
	mu    sync.Mutex
	calls map[string]int
}

func (c *counting) count(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[method]++
}

func (c *counting) counted() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

func (c *counting) PutCode(ctx context.Context, code store.Code) error {
	c.count("PutCode")
	return c.Store.PutCode(ctx, code)
}

func (c *counting) TakeCode(ctx context.Context, hash string, now time.Time) (store.Code, error) {
	c.count("TakeCode")
	return c.Store.TakeCode(ctx, hash, now)
}

func (c *counting) PutFamily(ctx context.Context, f store.Family) error {
	c.count("PutFamily")
	return c.Store.PutFamily(ctx, f)
}

func (c *counting) Family(ctx context.Context, id string) (store.Family, error) {
	c.count("Family")
	return c.Store.Family(ctx, id)
}

func (c *counting) AdvanceFamily(ctx context.Context, from int64, next store.Family) error {
	c.count("AdvanceFamily")
	return c.Store.AdvanceFamily(ctx, from, next)
}

func (c *counting) Session(ctx context.Context, hash string, now time.Time) (store.Session, error) {
	c.count("Session")
	return c.Store.Session(ctx, hash, now)
}

func (c *counting) TouchSession(ctx context.Context, id string, seen time.Time) error {
	c.count("TouchSession")
	return c.Store.TouchSession(ctx, id, seen)
}

func (c *counting) AddConsent(ctx context.Context, consent store.Consent) error {
	c.count("AddConsent")
	return c.Store.AddConsent(ctx, consent)
}

func (c *counting) Consent(ctx context.Context, subject, clientID, resource string) (store.Consent, error) {
	c.count("Consent")
	return c.Store.Consent(ctx, subject, clientID, resource)
}

func (c *counting) TokenRevoked(ctx context.Context, jti string) (bool, error) {
	c.count("TokenRevoked")
	return c.Store.TokenRevoked(ctx, jti)
}

func (c *counting) Client(ctx context.Context, clientID string) (store.Client, error) {
	c.count("Client")
	return c.Store.Client(ctx, clientID)
}

func (c *counting) CountAttempt(ctx context.Context, key string, now time.Time, window time.Duration) (int, error) {
	c.count("CountAttempt")
	return c.Store.CountAttempt(ctx, key, now, window)
}
