// Package outcome says what the end of a reconciliation means for the queue, as
// a type, and maps it to controller-runtime in one place.
package outcome

import (
	"math/rand/v2"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

type kind int

const (
	done kind = iota
	after
	backoff
	wait
	fail
)

// Outcome is how a reconciliation ended. The zero value is Done.
type Outcome struct {
	kind kind
	in   time.Duration
	err  error
}

// Done: nothing is left to do.
func Done() Outcome { return Outcome{} }

// RetryAfter: look again after d, at a time that is known: something expires, or
// a server said when to come back.
func RetryAfter(d time.Duration) Outcome { return Outcome{kind: after, in: d} }

// Retry: something failed that may pass; try again with exponential backoff. It
// is told in a condition, not in the log.
func Retry() Outcome { return Outcome{kind: backoff} }

// Wait: nothing can be done until an event brings the object back. It comes back
// after about d in any case, should the event be lost.
func Wait(d time.Duration) Outcome { return Outcome{kind: wait, in: d} }

// Stall: nothing more will happen until somebody changes something, of which
// there may be no event: it is looked at again after about d.
func Stall(d time.Duration) Outcome { return Outcome{kind: wait, in: d} }

// Fail: an error that no condition can tell; it is logged and tried again with
// exponential backoff.
func Fail(err error) Outcome { return Outcome{kind: fail, err: err} }

// IsDone says that nothing is left to do.
func (o Outcome) IsDone() bool { return o.kind == done }

// The bounds of the exponential backoff.
const (
	BackoffMin = 50 * time.Millisecond
	BackoffMax = 30 * time.Second
)

// Mapper maps outcomes to what controller-runtime wants. One per controller.
type Mapper struct {
	failures workqueue.TypedRateLimiter[reconcile.Request]
}

// NewMapper returns a Mapper that knows of no failure.
func NewMapper() *Mapper {
	return &Mapper{failures: workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](BackoffMin, BackoffMax)}
}

// Result maps the outcome of a request.
func (m *Mapper) Result(req reconcile.Request, o Outcome) (reconcile.Result, error) {
	switch o.kind {
	case backoff:
		return reconcile.Result{RequeueAfter: jitter(m.failures.When(req))}, nil
	case fail:
		return reconcile.Result{}, o.err
	}
	m.failures.Forget(req)
	switch o.kind {
	case after:
		return reconcile.Result{RequeueAfter: max(o.in, time.Millisecond)}, nil
	case wait:
		return reconcile.Result{RequeueAfter: jitter(o.in)}, nil
	}
	return reconcile.Result{}, nil
}

// jitter spreads what would come back at the same moment over a fifth more.
func jitter(d time.Duration) time.Duration {
	return max(d+rand.N(d/5+1), time.Millisecond)
}
