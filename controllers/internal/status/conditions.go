// Package status helps to build and write the status of an object: conditions in
// the manner of kstatus, and one merge patch if anything changed.
package status

import (
	"slices"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Patience is how long a refusal that the change of another object can lift is
// Reconciling before it is Stalled. Helm, Flux and Argo CD give up at the first Stalled,
// and create the objects of a release in an order of their own: the NamespaceAccess that
// permits a client may come a moment after it.
const Patience = 10 * time.Second

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

// Refuse sets what kstatus reads beside a false Ready that the change of another object
// can lift: Reconciling for Patience, then Stalled with the reason of Ready. A refusal of
// a spec that was Stalled before is Stalled at once.
func (c *Conditions) Refuse(reason, message string) {
	if stalled := meta.FindStatusCondition(c.list, v1alpha1.ConditionStalled); stalled != nil && stalled.ObservedGeneration == c.generation {
		c.Progress("", reason, message)
		return
	}
	since, waits := waitsSince(c.list, c.generation)
	if waits && !c.now.Before(new(metav1.NewTime(since.Add(Patience)))) {
		c.Progress("", reason, message)
		return
	}
	if !waits {
		// Another cause of Reconciling: the time starts anew.
		c.Remove(v1alpha1.ConditionReconciling)
	}
	c.Progress(v1alpha1.ReasonWaiting, "", message)
}

// PatienceEnds says when a refusal becomes Stalled; zero if none waits for that.
func PatienceEnds(conditions []metav1.Condition, generation int64) time.Time {
	since, waits := waitsSince(conditions, generation)
	if !waits {
		return time.Time{}
	}
	return since.Add(Patience)
}

func waitsSince(conditions []metav1.Condition, generation int64) (time.Time, bool) {
	c := meta.FindStatusCondition(conditions, v1alpha1.ConditionReconciling)
	if c == nil || c.Reason != v1alpha1.ReasonWaiting || c.ObservedGeneration != generation {
		return time.Time{}, false
	}
	return c.LastTransitionTime.Time, true
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
