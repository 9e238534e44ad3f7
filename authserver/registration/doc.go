// Package registration holds the rules of registering, updating and deleting
// managed clients and scope policies (RFC 7591 and RFC 7592 as the registrar
// uses them). It is pure: what exists comes in, what is to be written goes out,
// and the store carries it out in one transaction.
//
// Registering is idempotent by owner (cluster, namespace, name); the owner's uid
// is its incarnation. The counter in the registrar's Secret orders the requests
// of one owner, so a request that was delayed, or comes from a deposed leader,
// cannot bring back a secret that was taken away.
//
// Records whose MAC does not verify ("tampered") bind nobody: neither their
// owner, nor their counter. They only tell which rows have to go.
package registration

import (
	"errors"
	"fmt"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// StaleError is the cause of oauth.StaleCounter: what the server has seen of the
// same owner is newer than the request. It is store.ErrStale to errors.Is.
type StaleError struct {
	// Counter that is stored; a registrar that lost its own continues above it.
	Counter int64
}

// Error implements error.
func (e *StaleError) Error() string {
	return fmt.Sprintf("the stored counter is %d", e.Counter)
}

// Is makes a StaleError a store.ErrStale.
func (e *StaleError) Is(target error) bool { return target == store.ErrStale }

// StoredCounter finds the counter of a StaleError in err's chain.
func StoredCounter(err error) (int64, bool) {
	if stale, ok := errors.AsType[*StaleError](err); ok {
		return stale.Counter, true
	}
	return 0, false
}

func stale(stored int64, what string) error {
	return oauth.StaleCounter("%s", what).WithCause(&StaleError{Counter: stored})
}
