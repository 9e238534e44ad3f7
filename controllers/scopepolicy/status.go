package scopepolicy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/controllers/registrar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxNamed bounds how many conflicting scopes a message names.
const maxNamed = 10

// verdict is what Ready says, and what happens next.
type verdict struct {
	status          metav1.ConditionStatus
	reason, message string
	// stalled: only somebody's change helps. liftable: that may be a change of another
	// object, which may be part of the same release.
	stalled, liftable bool
	// again is when to look again; zero: when something changes.
	again time.Duration
}

// judge says what Ready is to be. It is pure.
func judge(o observed) verdict {
	switch {
	case !o.counted:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonServerNotFound,
			fmt.Sprintf("the operator's flag --authorization-server-namespaces does not name namespace %s, so no AuthorizationServer there counts", o.key.Namespace), true, false, 0}
	case o.as == nil:
		return verdict{metav1.ConditionFalse, v1alpha1.ReasonServerNotFound, fmt.Sprintf("there is no AuthorizationServer %s", o.key), false, false, safety}
	case o.claim.denied != "" && o.exchange == nil, o.claim.invalid:
		return verdict{metav1.ConditionFalse, o.claim.denied, o.claim.message, true, liftable(o.claim), 0}
	case o.claim.denied != "":
		// It may still be in force there.
		x := registrar.Explain(o.exchange)
		return verdict{metav1.ConditionFalse, o.claim.denied, o.claim.message + "; it cannot be taken out of force yet: " + x.Message, false, false, max(x.RetryAfter, retry)}
	case o.exchange != nil:
		return judgeExchange(o.exchange)
	default:
		return verdict{metav1.ConditionTrue, v1alpha1.ReasonInForce, "the server decides by this policy", false, false, 0}
	}
}

// liftable says whether the change of another object can end a refusal: of a
// NamespaceAccess, or of the ScopePolicy that has the resource.
func liftable(c claimVerdict) bool {
	return c.denied == v1alpha1.ReasonResourceNotAllowed || c.denied == v1alpha1.ReasonResourceTaken
}

func judgeExchange(err error) verdict {
	x := registrar.Explain(err)
	v := verdict{metav1.ConditionFalse, x.Reason, x.Message, x.Terminal, false, max(x.RetryAfter, retry)}
	if errors.Is(err, registrar.ErrNotSynced) {
		v.status = metav1.ConditionUnknown
	}
	if x.Terminal {
		v.again = 0
	}
	return v
}

// statusOf puts a verdict into the status.
func statusOf(sp *v1alpha1.ScopePolicy, o observed, v verdict, now time.Time) v1alpha1.ScopePolicyStatus {
	c := status.NewConditions(sp.Status.Conditions, sp.Generation, metav1.NewTime(now.Truncate(time.Second)))
	c.Set(v1alpha1.ConditionReady, v.status, v.reason, v.message)
	conflicted, reason, message := judgeConflicts(o)
	c.Set(v1alpha1.ConditionConflicted, conflicted, reason, message)
	if v.liftable {
		c.Refuse(v.reason, v.message)
	} else {
		reconciling, stalled := progress(v)
		c.Progress(reconciling, stalled, v.message)
	}
	return v1alpha1.ScopePolicyStatus{
		ObservedGeneration: sp.Generation,
		Conditions:         c.List(),
		ServerRef:          &v1alpha1.ServerReference{Namespace: o.key.Namespace, Name: o.key.Name},
	}
}

// progress gives the reasons of Reconciling and Stalled; empty: not there.
func progress(v verdict) (reconciling, stalled string) {
	switch {
	case v.stalled:
		return "", v.reason
	case v.status == metav1.ConditionTrue:
		return "", ""
	case v.reason == v1alpha1.ReasonServerNotReady:
		return v1alpha1.ReasonProgressing, ""
	default:
		return v1alpha1.ReasonRetrying, ""
	}
}

func judgeConflicts(o observed) (conflicted metav1.ConditionStatus, reason, message string) {
	conflicts := o.claim.conflicts
	switch {
	case o.as == nil:
		return metav1.ConditionUnknown, v1alpha1.ReasonServerNotFound, "there is no AuthorizationServer to ask"
	case len(conflicts) == 0:
		return metav1.ConditionFalse, v1alpha1.ReasonNoConflict, ""
	case conflicts[0].Elsewhere:
		return metav1.ConditionTrue, v1alpha1.ReasonResourceDeclaredElsewhere, o.claim.message
	default:
		return metav1.ConditionTrue, v1alpha1.ReasonScopeDeclaredEarlier, nameScopes(conflicts)
	}
}

// nameScopes says which declarations stand elsewhere; there may be a hundred.
func nameScopes(conflicts []policy.Conflict) string {
	var parts []string
	for _, c := range conflicts[:min(len(conflicts), maxNamed)] {
		parts = append(parts, fmt.Sprintf("scope %s is declared by the older ScopePolicy %s", c.Scope, c.Policy))
	}
	if more := len(conflicts) - maxNamed; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ") + "; its description and lifetime stand, what is allowed here is added"
}
