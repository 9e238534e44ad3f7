// Package condcheck holds a status against the rules that every kind here keeps,
// and against what kstatus makes of it. For tests only.
package condcheck

import (
	"fmt"
	"regexp"

	"clientele.dev/clientele/api/v1alpha1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var reason = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)

// Check returns what is wrong with the conditions of an object.
func Check(generation, observedGeneration int64, conditions []metav1.Condition) []error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if observedGeneration != generation {
		bad("observedGeneration is %d, the object's generation %d", observedGeneration, generation)
	}
	for _, c := range conditions {
		if !reason.MatchString(c.Reason) {
			bad("%s: reason %q is not CamelCase", c.Type, c.Reason)
		}
		if c.ObservedGeneration != generation {
			bad("%s: observedGeneration is %d, the object's generation %d", c.Type, c.ObservedGeneration, generation)
		}
		if c.LastTransitionTime.IsZero() {
			bad("%s: no lastTransitionTime", c.Type)
		}
		if c.Status != metav1.ConditionTrue && c.Message == "" && c.Type != v1alpha1.ConditionConflicted && c.Type != v1alpha1.ConditionDeregistrationPaused {
			bad("%s is %s and says no word why", c.Type, c.Status)
		}
	}
	return append(errs, progress(conditions)...)
}

// progress checks what kstatus reads: Reconciling and Stalled are there only
// while true and never both. Beside a true Ready there is only Reconciling for
// Progressing, as during a roll-out. A Ready that is not true has one of them.
func progress(conditions []metav1.Condition) []error {
	var errs []error
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if ready == nil {
		return []error{fmt.Errorf("no condition Ready")}
	}
	present, rollingOut := 0, false
	for _, kind := range []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled} {
		c := meta.FindStatusCondition(conditions, kind)
		if c == nil {
			continue
		}
		present++
		rollingOut = kind == v1alpha1.ConditionReconciling && c.Reason == v1alpha1.ReasonProgressing
		if c.Status != metav1.ConditionTrue {
			errs = append(errs, fmt.Errorf("%s is there and %s", kind, c.Status))
		}
	}
	switch {
	case present > 1:
		errs = append(errs, fmt.Errorf("conditions Reconciling and Stalled are both there"))
	case ready.Status == metav1.ConditionTrue && present > 0 && !rollingOut:
		errs = append(errs, fmt.Errorf("condition Ready is true beside Stalled, or beside Reconciling for another reason than Progressing"))
	case ready.Status != metav1.ConditionTrue && present == 0:
		errs = append(errs, fmt.Errorf("condition Ready is %s (%s) with neither Reconciling nor Stalled", ready.Status, ready.Reason))
	}
	return errs
}
