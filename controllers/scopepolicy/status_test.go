package scopepolicy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/controllers/internal/condcheck"
	internalstatus "clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestStatus(t *testing.T) {
	as := serverWith().as
	seen := func(change func(*observed)) observed {
		o := observed{key: registrar.Key{Namespace: "system", Name: "default"}, counted: true, as: as}
		change(&o)
		return o
	}
	tooManyConflicts := make([]policy.Conflict, 100)
	for i := range tooManyConflicts {
		tooManyConflicts[i] = policy.Conflict{Scope: fmt.Sprint("s", i), Policy: "shop/older"}
	}
	for _, tc := range []struct {
		name       string
		seen       observed
		ready      metav1.ConditionStatus
		reason     string
		conflicted string
		stalled    bool
		again      bool
		waits      bool
	}{
		{"in force", seen(func(*observed) {}), metav1.ConditionTrue, v1alpha1.ReasonInForce, v1alpha1.ReasonNoConflict, false, false, false},
		{"no server", seen(func(o *observed) { o.as = nil }), metav1.ConditionFalse, v1alpha1.ReasonServerNotFound, v1alpha1.ReasonServerNotFound, false, true, false},
		{"server where none counts", seen(func(o *observed) { o.as, o.counted = nil, false }), metav1.ConditionFalse, v1alpha1.ReasonServerNotFound, v1alpha1.ReasonServerNotFound, true, false, false},
		{"not allowed", seen(func(o *observed) { o.claim.denied = v1alpha1.ReasonResourceNotAllowed; o.claim.message = "no" }), metav1.ConditionFalse, v1alpha1.ReasonResourceNotAllowed, v1alpha1.ReasonNoConflict, false, false, true},
		{"reserved", seen(func(o *observed) { o.claim.denied = v1alpha1.ReasonResourceReserved; o.claim.message = "no" }), metav1.ConditionFalse, v1alpha1.ReasonResourceReserved, v1alpha1.ReasonNoConflict, true, false, false},
		{"not allowed and still there", seen(func(o *observed) {
			o.claim.denied, o.claim.message, o.exchange = v1alpha1.ReasonResourceNotAllowed, "no", registrar.ErrUnreachable
		}), metav1.ConditionFalse, v1alpha1.ReasonResourceNotAllowed, v1alpha1.ReasonNoConflict, false, true, false},
		{"taken", seen(func(o *observed) {
			o.claim = claimVerdict{denied: v1alpha1.ReasonResourceTaken, message: "taken", conflicts: []policy.Conflict{{Scope: "a", Policy: "b/c", Elsewhere: true}}}
		}), metav1.ConditionFalse, v1alpha1.ReasonResourceTaken, v1alpha1.ReasonResourceDeclaredElsewhere, false, false, true},
		{"in force with conflicts", seen(func(o *observed) { o.claim.conflicts = tooManyConflicts }), metav1.ConditionTrue, v1alpha1.ReasonInForce, v1alpha1.ReasonScopeDeclaredEarlier, false, false, false},
		{"not synced", seen(func(o *observed) { o.exchange = registrar.ErrNotSynced }), metav1.ConditionUnknown, v1alpha1.ReasonServerNotReady, v1alpha1.ReasonNoConflict, false, true, false},
		{"unreachable", seen(func(o *observed) { o.exchange = registrar.ErrUnreachable }), metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable, v1alpha1.ReasonNoConflict, false, true, false},
		{"refused", seen(func(o *observed) {
			o.exchange = &registrar.StatusError{Status: http.StatusBadRequest, Code: oauth.CodeInvalidRequest}
		}), metav1.ConditionFalse, v1alpha1.ReasonRejected, v1alpha1.ReasonNoConflict, true, false, false},
		{"throttled", seen(func(o *observed) {
			o.exchange = &registrar.StatusError{Status: http.StatusTooManyRequests, RetryAfter: time.Minute}
		}), metav1.ConditionFalse, v1alpha1.ReasonServerThrottled, v1alpha1.ReasonNoConflict, false, true, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			sp := claimed("shop", "p", orders, 0, "read").policy
			v := judge(tc.seen)
			status := statusOf(sp, tc.seen, v, epoch)
			for _, err := range condcheck.Check(sp.Generation, status.ObservedGeneration, status.Conditions) {
				t.Error(err)
			}
			ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
			if ready.Status != tc.ready || ready.Reason != tc.reason {
				t.Errorf("Ready is %s %s, want %s %s", ready.Status, ready.Reason, tc.ready, tc.reason)
			}
			conflicted := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionConflicted)
			if conflicted.Reason != tc.conflicted || len(conflicted.Message) > 2000 {
				t.Errorf("Conflicted is %s with %d characters, want %s", conflicted.Reason, len(conflicted.Message), tc.conflicted)
			}
			if stalled := meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionStalled); stalled != tc.stalled {
				t.Errorf("Stalled = %v, want %v", stalled, tc.stalled)
			}
			if waits := !internalstatus.PatienceEnds(status.Conditions, sp.Generation).IsZero(); waits != tc.waits {
				t.Errorf("waits before it is Stalled = %v, want %v", waits, tc.waits)
			}
			if again := v.again > 0; again != tc.again {
				t.Errorf("looks again after %s, want that: %v", v.again, tc.again)
			}
		})
	}
}

// A status that says the same again is the same, so nothing is written (F35).
func TestF35StatusIsStable(t *testing.T) {
	sp := claimed("shop", "p", orders, 0, "read").policy
	o := observed{key: registrar.Key{Namespace: "system", Name: "default"}, counted: true, as: serverWith().as, exchange: registrar.ErrUnreachable}
	sp.Status = statusOf(sp, o, judge(o), epoch)
	later := statusOf(sp, o, judge(o), epoch.Add(time.Hour))
	for i, c := range later.Conditions {
		if c != sp.Status.Conditions[i] {
			t.Errorf("%s changed from %+v to %+v", c.Type, sp.Status.Conditions[i], c)
		}
	}
}

func TestConflictNamesScopeAndPolicy(t *testing.T) {
	o := observed{as: serverWith().as, claim: claimVerdict{conflicts: []policy.Conflict{{Scope: "orders:read", Policy: "shop/older"}}}}
	if _, _, message := judgeConflicts(o); !strings.Contains(message, "orders:read") || !strings.Contains(message, "shop/older") {
		t.Errorf("the message %q names not both", message)
	}
}
