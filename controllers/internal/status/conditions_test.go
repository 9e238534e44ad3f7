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
