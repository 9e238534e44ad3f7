package outcome

import (
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestResult(t *testing.T) {
	req := reconcile.Request{NamespacedName: types.NamespacedName{Name: "x"}}
	failure := errors.New("failure")
	for _, tc := range []struct {
		name     string
		outcome  Outcome
		min, max time.Duration
		err      error
	}{
		{"done", Done(), 0, 0, nil},
		{"a date", RetryAfter(time.Hour), time.Hour, time.Hour, nil},
		{"a date that has passed", RetryAfter(-time.Hour), 1, time.Millisecond, nil},
		{"waiting", Wait(time.Minute), time.Minute, 72 * time.Second, nil},
		{"stalled", Stall(time.Minute), time.Minute, 72 * time.Second, nil},
		{"failed", Fail(failure), 0, 0, failure},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := NewMapper().Result(req, tc.outcome)
			if got.RequeueAfter < tc.min || got.RequeueAfter > tc.max || !errors.Is(err, tc.err) {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestBackoffGrowsPerObjectAndIsForgotten(t *testing.T) {
	m := NewMapper()
	a := reconcile.Request{NamespacedName: types.NamespacedName{Name: "a"}}
	b := reconcile.Request{NamespacedName: types.NamespacedName{Name: "b"}}
	after := func(req reconcile.Request, o Outcome) time.Duration {
		r, _ := m.Result(req, o)
		return r.RequeueAfter
	}
	first := after(a, Retry())
	var last time.Duration
	for range 20 {
		last = after(a, Retry())
	}
	if first > 2*BackoffMin || last < BackoffMax || last > BackoffMax*6/5 {
		t.Errorf("from %v to %v", first, last)
	}
	if got := after(b, Retry()); got > 2*BackoffMin {
		t.Errorf("another object waits %v", got)
	}
	after(a, Done())
	if got := after(a, Retry()); got > 2*BackoffMin {
		t.Errorf("after a success it waits %v", got)
	}
}
