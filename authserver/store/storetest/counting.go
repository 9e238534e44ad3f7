package storetest

import (
	"context"
	"maps"
	"sync"
	"time"

	"clientele.dev/clientele/authserver/store"
)

// Counting is a store that counts what requests ask of it for people, by the name
// of the method. Each of the methods counted is one statement.
type Counting struct {
	store.Store
	mu    sync.Mutex
	calls map[string]int
}

func (c *Counting) count(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	c.calls[method]++
}

// Calls so far.
func (c *Counting) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

// PutCode implements store.Store.
func (c *Counting) PutCode(ctx context.Context, code store.Code) error {
	c.count("PutCode")
	return c.Store.PutCode(ctx, code)
}

// Code implements store.Store.
func (c *Counting) Code(ctx context.Context, hash string, now time.Time) (store.Code, error) {
	c.count("Code")
	return c.Store.Code(ctx, hash, now)
}

// TakeCode implements store.Store.
func (c *Counting) TakeCode(ctx context.Context, hash string, now time.Time) (store.Code, error) {
	c.count("TakeCode")
	return c.Store.TakeCode(ctx, hash, now)
}

// PutFamily implements store.Store.
func (c *Counting) PutFamily(ctx context.Context, f store.Family) error {
	c.count("PutFamily")
	return c.Store.PutFamily(ctx, f)
}

// Family implements store.Store.
func (c *Counting) Family(ctx context.Context, id string) (store.Family, error) {
	c.count("Family")
	return c.Store.Family(ctx, id)
}

// AdvanceFamily implements store.Store.
func (c *Counting) AdvanceFamily(ctx context.Context, from int64, next store.Family) error {
	c.count("AdvanceFamily")
	return c.Store.AdvanceFamily(ctx, from, next)
}

// Session implements store.Store.
func (c *Counting) Session(ctx context.Context, hash string, now time.Time) (store.Session, error) {
	c.count("Session")
	return c.Store.Session(ctx, hash, now)
}

// TouchSession implements store.Store.
func (c *Counting) TouchSession(ctx context.Context, id string, seen time.Time) error {
	c.count("TouchSession")
	return c.Store.TouchSession(ctx, id, seen)
}

// AddConsent implements store.Store.
func (c *Counting) AddConsent(ctx context.Context, consent store.Consent, since time.Time) error {
	c.count("AddConsent")
	return c.Store.AddConsent(ctx, consent, since)
}

// Consent implements store.Store.
func (c *Counting) Consent(ctx context.Context, key store.ConsentKey) (store.Consent, error) {
	c.count("Consent")
	return c.Store.Consent(ctx, key)
}

// Withdrawn implements store.Store.
func (c *Counting) Withdrawn(ctx context.Context, subject, clientID string, since time.Time) (bool, error) {
	c.count("Withdrawn")
	return c.Store.Withdrawn(ctx, subject, clientID, since)
}

// TokenRevoked implements store.Store.
func (c *Counting) TokenRevoked(ctx context.Context, jti string) (bool, error) {
	c.count("TokenRevoked")
	return c.Store.TokenRevoked(ctx, jti)
}

// Client implements store.Store.
func (c *Counting) Client(ctx context.Context, clientID string) (store.Client, error) {
	c.count("Client")
	return c.Store.Client(ctx, clientID)
}

// CountAttempt implements store.Store.
func (c *Counting) CountAttempt(ctx context.Context, key string, now time.Time, window time.Duration) (int, error) {
	c.count("CountAttempt")
	return c.Store.CountAttempt(ctx, key, now, window)
}
