package notice

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Condition is one whose failures are told.
type Condition struct {
	Type string
	// Action is what is tried when it fails.
	Action string
	// Bad is the status that is a failure: False, or True.
	Bad metav1.ConditionStatus
	// Fine are reasons that are no failure though the status is Bad.
	Fine []string
}

// subject is a condition of an object.
type subject struct {
	object    types.NamespacedName
	condition string
}

// change of a condition that nobody was told of yet.
type change struct {
	about    *corev1.ObjectReference
	rule     Condition
	from, to verdict
	// queued: it is in the queue. It is not while the condition is Unknown.
	queued bool
}

type due struct {
	subject subject
	change  *change
	at      time.Time
}

// verdict is what a condition says of an object.
type verdict struct {
	// failing is the reason of a failure; empty: there is none.
	failing string
	// unknown: it cannot be told.
	unknown bool
	// condition is nil if the object does not have it.
	condition *metav1.Condition
}

// same says whether a person would see no difference. It is asked of verdicts that
// are known.
func (v verdict) same(w verdict) bool { return v.failing == w.failing }

func (c Condition) judge(list []metav1.Condition) verdict {
	found := meta.FindStatusCondition(list, c.Type)
	if found == nil {
		return verdict{}
	}
	copied := *found
	v := verdict{condition: &copied, unknown: found.Status == metav1.ConditionUnknown}
	if found.Status == c.Bad && !slices.Contains(c.Fine, found.Reason) {
		v.failing = found.Reason
	}
	return v
}

// Changed compares the conditions that an object had with those that it has now,
// and has it told if one failed or recovered. The lists are not changed, and must
// not be changed afterwards.
func (b *Board) Changed(o metav1.Object, before, after []metav1.Condition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	wasEmpty := len(b.queue) == 0
	for _, rule := range b.options.Conditions {
		b.note(o, rule, rule.judge(before), rule.judge(after))
	}
	if wasEmpty && len(b.queue) > 0 {
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
}

func (b *Board) note(o metav1.Object, rule Condition, from, to verdict) {
	who := subject{types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}, rule.Type}
	c := b.changes[who]
	if c != nil && c.about.UID != o.GetUID() {
		delete(b.changes, who)
		c = nil
	}
	if c == nil {
		if !to.unknown && from.same(to) || from.unknown && to.unknown {
			return
		}
		c = &change{about: b.reference(o), rule: rule, from: from}
		b.changes[who] = c
	}
	c.to = to
	switch {
	case !to.unknown && c.from.same(to):
		delete(b.changes, who)
	case !to.unknown && !c.queued:
		c.queued = true
		b.queue = append(b.queue, due{who, c, b.options.Now().Add(Settle)})
	}
}

// Forget drops what was not told yet of an object that is gone.
func (b *Board) Forget(object types.NamespacedName) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, rule := range b.options.Conditions {
		delete(b.changes, subject{object, rule.Type})
	}
}

// TellSettled tells what has settled, and says when the next change will have;
// zero: there is none.
func (b *Board) TellSettled() (next time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.options.Now()
	for len(b.queue) > 0 {
		first := b.queue[0]
		if b.changes[first.subject] == first.change { // or it was taken back
			if now.Before(first.at) {
				return first.at
			}
			b.settled(first)
		}
		b.queue = b.queue[1:]
	}
	b.queue = nil // lets go of the array
	return time.Time{}
}

// settled tells of one change. One that is Unknown now waits until it is known: it
// may turn out to be none.
func (b *Board) settled(d due) {
	c := d.change
	if c.to.unknown {
		c.queued = false
		return
	}
	delete(b.changes, d.subject)
	switch {
	case c.to.failing != "":
		b.TellOf(c.about, nil, Notice{
			Type: corev1.EventTypeWarning, Reason: c.to.failing, Action: c.rule.Action, Note: describe(c.to.condition, ""),
		})
	case c.to.condition != nil:
		b.TellOf(c.about, nil, Notice{
			Type: corev1.EventTypeNormal, Reason: c.to.condition.Reason, Action: c.rule.Action, Note: describe(c.to.condition, c.from.failing),
		})
	}
}

// describe puts a condition into words; was is the reason that it failed for.
func describe(c *metav1.Condition, was string) string {
	text := fmt.Sprintf("%s is %s", c.Type, c.Status)
	if was != "" {
		text += ", after " + was
	}
	if c.Message != "" {
		text += ": " + c.Message
	}
	return text
}
