// Package status helps to build and write the status of an object: conditions in
// the manner of kstatus, and one merge patch if anything changed.
package status

import (
	"slices"

	"clientele.dev/clientele/api/v1alpha1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxMessage is what the API server accepts.
const maxMessage = 32768

// Conditions builds the conditions of one object, starting from those it has, so
// that a transition time changes only with the status.
type Conditions struct {
	list       []metav1.Condition
	generation int64
	now        metav1.Time
}

// NewConditions starts from the conditions an object has. They are not changed.
func NewConditions(have []metav1.Condition, generation int64, now metav1.Time) *Conditions {
	return &Conditions{list: slices.Clone(have), generation: generation, now: now}
}

// Set sets a condition.
func (c *Conditions) Set(kind string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(&c.list, metav1.Condition{
		Type:               kind,
		Status:             status,
		ObservedGeneration: c.generation,
		LastTransitionTime: c.now,
		Reason:             reason,
		Message:            message[:min(len(message), maxMessage)],
	})
}

// Remove removes a condition.
func (c *Conditions) Remove(kind string) { meta.RemoveStatusCondition(&c.list, kind) }

// Progress sets what kstatus reads beside Ready: Stalled, or Reconciling, or
// neither. An empty reason means that the condition is not true.
func (c *Conditions) Progress(reconciling, stalled, message string) {
	c.whileTrue(v1alpha1.ConditionReconciling, reconciling, message)
	c.whileTrue(v1alpha1.ConditionStalled, stalled, message)
}

func (c *Conditions) whileTrue(kind, reason, message string) {
	if reason == "" {
		c.Remove(kind)
		return
	}
	c.Set(kind, metav1.ConditionTrue, reason, message)
}

// List returns the conditions.
func (c *Conditions) List() []metav1.Condition { return c.list }
