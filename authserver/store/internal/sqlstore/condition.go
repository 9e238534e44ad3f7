package sqlstore

import (
	"context"
	"errors"
	"sync"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// Condition is how it goes with a database, as the operations on it find it. Make it
// with NewCondition.
type Condition struct {
	judge   func(error) oauth.StorageState
	explain func(oauth.StorageState, error) string

	mu sync.Mutex
	// What failed last and did not succeed since. A read that succeeds says nothing about
	// writing.
	reading, writing *oauth.StorageReport
}

// NewCondition of a database. judge says what an error means for the storage: "" if it is
// not the storage's. explain makes a message of one that is, without a secret.
func NewCondition(judge func(error) oauth.StorageState, explain func(oauth.StorageState, error) string) *Condition {
	return &Condition{judge: judge, explain: explain}
}

// Access is what an operation did.
type Access int

const (
	// Read, or found nothing to write.
	Read Access = iota
	// Wrote something, or tried to.
	Wrote
)

// After takes in how an operation ended, and returns its error: a failure of the storage
// as a store.StorageError that is temporarily_unavailable.
func (c *Condition) After(did Access, err error) error {
	if err == nil {
		c.succeeded(did)
		return nil
	}
	if _, known := errors.AsType[*store.StorageError](err); known || errors.Is(err, context.Canceled) {
		return err
	}
	state := c.judge(err)
	if state == "" {
		return err
	}
	c.failed(did, state, err)
	public := oauth.TemporarilyUnavailable("the server cannot use its storage at the moment; try again later")
	if state == oauth.StorageFull {
		public = oauth.TemporarilyUnavailable("the server's storage is full; what needs no change there still works")
	}
	return public.WithCause(&store.StorageError{State: state, Cause: err})
}

func (c *Condition) succeeded(did Access) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = nil
	if did == Wrote {
		c.writing = nil
	}
}

// failed keeps the first message of a state, for the words of one outage differ.
func (c *Condition) failed(did Access, state oauth.StorageState, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := &c.reading
	if did == Wrote {
		last = &c.writing
	}
	if *last == nil || (*last).State != state {
		*last = &oauth.StorageReport{State: state, Message: c.explain(state, err)}
	}
}

// Failing is what fails at the moment, nil if nothing does.
func (c *Condition) Failing() *oauth.StorageReport {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reading != nil {
		return c.reading
	}
	return c.writing
}
