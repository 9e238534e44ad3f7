package status

import (
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/condcheck"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestConditions(t *testing.T) {
	t0, t1 := metav1.NewTime(time.Unix(1000, 0)), metav1.NewTime(time.Unix(2000, 0))
	first := NewConditions(nil, 1, t0)
	first.Set(v1alpha1.ConditionReady, metav1.ConditionFalse, "Some", "words")
	first.Progress("", "Some", "words")
	if errs := condcheck.Check(1, 1, first.List()); len(errs) > 0 {
		t.Error(errs)
	}

	second := NewConditions(first.List(), 2, t1)
	second.Set(v1alpha1.ConditionReady, metav1.ConditionFalse, "Other", "words")
	second.Progress(v1alpha1.ReasonRetrying, "", "words")
	if errs := condcheck.Check(2, 2, second.List()); len(errs) > 0 {
		t.Error(errs)
	}
	ready := meta.FindStatusCondition(second.List(), v1alpha1.ConditionReady)
	if ready.LastTransitionTime != t0 || ready.ObservedGeneration != 2 {
		t.Errorf("the transition time moved though the status did not change: %+v", ready)
	}
	if meta.FindStatusCondition(second.List(), v1alpha1.ConditionStalled) != nil {
		t.Error("Stalled stays")
	}
	if c := meta.FindStatusCondition(first.List(), v1alpha1.ConditionReady); c.Reason != "Some" {
		t.Error("the conditions started from were changed")
	}
}

func TestCondcheckFinds(t *testing.T) {
	now := metav1.NewTime(time.Unix(1000, 0))
	cond := func(kind string, s metav1.ConditionStatus, message string) metav1.Condition {
		return metav1.Condition{Type: kind, Status: s, Reason: "Reason", Message: message, ObservedGeneration: 1, LastTransitionTime: now}
	}
	for name, list := range map[string][]metav1.Condition{
		"no Ready":             {},
		"silent":               {cond("Ready", "False", ""), cond("Stalled", "True", "x")},
		"both":                 {cond("Ready", "False", "x"), cond("Stalled", "True", "x"), cond("Reconciling", "True", "x")},
		"neither":              {cond("Ready", "False", "x")},
		"Ready and Stalled":    {cond("Ready", "True", ""), cond("Stalled", "True", "x")},
		"Ready and Retrying":   {cond("Ready", "True", ""), {Type: "Reconciling", Status: "True", Reason: v1alpha1.ReasonRetrying, Message: "x", ObservedGeneration: 1, LastTransitionTime: now}},
		"Stalled, but not so":  {cond("Ready", "False", "x"), cond("Stalled", "False", "x")},
		"of an old generation": {{Type: "Ready", Status: "True", Reason: "Reason", LastTransitionTime: now}},
	} {
		if len(condcheck.Check(1, 1, list)) == 0 {
			t.Errorf("%s: nothing found", name)
		}
	}
}

// A refusal that another object can lift is Reconciling for ten seconds, so that a release
// which brings that object too does not fail; then Stalled, so that waiting for it ends.
func TestRefusalIsStalledAfterPatience(t *testing.T) {
	start := metav1.NewTime(time.Unix(1000, 0))
	at := func(have []metav1.Condition, generation int64, after time.Duration) []metav1.Condition {
		c := NewConditions(have, generation, metav1.NewTime(start.Add(after)))
		c.Set(v1alpha1.ConditionReady, metav1.ConditionFalse, "NotAllowed", "words")
		c.Refuse("NotAllowed", "words")
		for _, err := range condcheck.Check(generation, generation, c.List()) {
			t.Error(err)
		}
		return c.List()
	}
	stalled := func(list []metav1.Condition) bool { return meta.IsStatusConditionTrue(list, v1alpha1.ConditionStalled) }

	retrying := NewConditions(nil, 1, metav1.NewTime(start.Add(-time.Hour)))
	retrying.Progress(v1alpha1.ReasonRetrying, "", "another cause")
	first := at(retrying.List(), 1, 0)
	if ends := PatienceEnds(first, 1); stalled(first) || !ends.Equal(start.Add(Patience)) {
		t.Fatalf("the patience ends at %v: %+v", ends, first)
	}
	if before := at(first, 1, Patience-time.Second); stalled(before) || !PatienceEnds(before, 1).Equal(start.Add(Patience)) {
		t.Errorf("one second early: %+v", before)
	}
	final := at(first, 1, Patience)
	if !stalled(final) || !PatienceEnds(final, 1).IsZero() {
		t.Errorf("after %s: %+v", Patience, final)
	}
	if again := at(final, 1, Patience+time.Second); !stalled(again) {
		t.Errorf("a refusal that was final waits again: %+v", again)
	}
	if next := at(final, 2, Patience+time.Second); stalled(next) || PatienceEnds(next, 2).IsZero() || !PatienceEnds(first, 2).IsZero() {
		t.Errorf("another spec is refused at once: %+v", next)
	}
}
