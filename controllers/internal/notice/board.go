// Package notice writes Kubernetes events: few of them, and only what a person
// wants to find in the history of an object. The conditions say how it is; events
// say when that changed, and what the operator did about it.
//
//   - A condition that turns to a failing reason, or recovers, is told once it has
//     stayed so for Settle. A new object that is on its way, a policy that comes a
//     moment after its client, or a server that starts anew make no event.
//   - What the operator did is told at once.
//   - An object that flaps makes no more than two requests per reason in six
//     minutes: client-go makes a series of events that differ in nothing but their
//     note, for which the reference to the object must be the same each time.
//   - All objects of a kind together share a budget. What exceeds it is dropped and
//     counted: the conditions still say it.
//
// What was not told yet when the operator stops is not told any more.
package notice

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/flowcontrol"
)

const (
	// Settle is how long a condition must have changed before an event tells.
	Settle = 5 * time.Second
	// burst and perSecond are the budget of a kind: a hundred at once, and one a
	// second from then on.
	burst     = 100
	perSecond = 1
	// maxNote is what the API server accepts, in bytes.
	maxNote = 1024
)

// Options says what a Board works with. All are required.
type Options struct {
	// Recorder writes to the API server.
	Recorder events.EventRecorder
	// Now is the clock.
	Now func() time.Time
	// Kind of the objects, in group v1alpha1.
	Kind string
	// Conditions that are told.
	Conditions []Condition
}

// Board takes what is to be told of the objects of one kind. It is safe for
// concurrent use. As a Runnable of the manager it tells what has settled.
type Board struct {
	options Options
	budget  flowcontrol.PassiveRateLimiter
	dropped atomic.Int64
	// wake has Start look at the queue, which was empty.
	wake chan struct{}
	// after is time.After, but for tests.
	after func(time.Duration) <-chan time.Time

	mu      sync.Mutex
	changes map[subject]*change
	// queue has the changes that are not told yet, the oldest first.
	queue []due
}

// New returns a Board that has nothing to tell.
func New(o Options) *Board {
	return &Board{
		options: o,
		budget:  flowcontrol.NewTokenBucketPassiveRateLimiterWithClock(perSecond, burst, clock(o.Now)),
		wake:    make(chan struct{}, 1),
		after:   time.After,
		changes: map[subject]*change{},
	}
}

// Notice is what the operator did with an object.
type Notice struct {
	// Type is corev1.EventTypeNormal or EventTypeWarning.
	Type string
	// Reason for programs: why; Action: what was done or tried.
	Reason, Action string
	// Note is for people. It holds no secret.
	Note string
}

// Tell writes an event about an object of the Board's kind.
func (b *Board) Tell(about metav1.Object, n Notice) { b.TellOf(b.reference(about), nil, n) }

// TellOf writes an event about any object, with another one that belongs to it;
// related may be nil. It says whether that was within the budget.
func (b *Board) TellOf(about, related *corev1.ObjectReference, n Notice) bool {
	if !b.budget.TryAccept() {
		b.dropped.Add(1)
		return false
	}
	note := strings.ToValidUTF8(n.Note[:min(len(n.Note), maxNote)], "")
	if related == nil { // a nil of a type is not nil to the recorder
		b.options.Recorder.Eventf(about, nil, n.Type, n.Reason, n.Action, "%s", note)
		return true
	}
	b.options.Recorder.Eventf(about, related, n.Type, n.Reason, n.Action, "%s", note)
	return true
}

// Dropped counts the events that exceeded the budget.
func (b *Board) Dropped() int64 { return b.dropped.Load() }

// reference names an object without its version, which would make every event one
// of its own.
func (b *Board) reference(o metav1.Object) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: b.options.Kind,
		Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(),
	}
}

// Start tells what has settled, until ctx ends.
func (b *Board) Start(ctx context.Context) error {
	for {
		var ripe <-chan time.Time
		if next := b.TellSettled(); !next.IsZero() {
			ripe = b.after(next.Sub(b.options.Now()))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake:
		case <-ripe:
		}
	}
}

// clock is the time in the words of the rate limiter.
type clock func() time.Time

// Now is the time.
func (c clock) Now() time.Time { return c() }

// Since is the time since t.
func (c clock) Since(t time.Time) time.Duration { return c().Sub(t) }
