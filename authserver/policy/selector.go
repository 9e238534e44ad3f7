package policy

import (
	"slices"

	"clientele.dev/clientele/authserver/oauth"
)

// The operators of a Requirement.
const (
	In           = "In"
	NotIn        = "NotIn"
	Exists       = "Exists"
	DoesNotExist = "DoesNotExist"
)

// Matches reports whether the selector selects an object with these labels, as
// metav1.LabelSelectorAsSelector does: an empty selector selects everything, a
// nil one nothing. An invalid one, which is an error there, selects nothing.
func (s *Selector) Matches(labels map[string]string) bool {
	return s != nil && s.valid() && s.compile().matches(labels)
}

// compiledSelector is a Selector that is known to be valid. Its labels are a list: walking
// through a map is most of what a decision would take.
type compiledSelector struct {
	labels      []label
	expressions []Requirement
}

type label struct{ key, value string }

// compile returns nil, which selects everything, for nil.
func (s *Selector) compile() *compiledSelector {
	if s == nil {
		return nil
	}
	c := &compiledSelector{expressions: s.MatchExpressions}
	for key, value := range s.MatchLabels {
		c.labels = append(c.labels, label{key, value})
	}
	return c
}

func (c *compiledSelector) matches(labels map[string]string) bool {
	if c == nil {
		return true
	}
	for _, want := range c.labels {
		if have, ok := labels[want.key]; !ok || have != want.value {
			return false
		}
	}
	for i := range c.expressions {
		if !c.expressions[i].matches(labels) {
			return false
		}
	}
	return true
}

// matches: NotIn holds for an object without the key too, as in Kubernetes.
func (r *Requirement) matches(labels map[string]string) bool {
	value, exists := labels[r.Key]
	switch r.Operator {
	case In:
		return exists && slices.Contains(r.Values, value)
	case NotIn:
		return !exists || !slices.Contains(r.Values, value)
	case Exists:
		return exists
	case DoesNotExist:
		return !exists
	}
	return false
}

func (s *Selector) valid() bool {
	for key, value := range s.MatchLabels {
		if !oauth.ValidLabelKey(key) || !oauth.ValidLabelValue(value) {
			return false
		}
	}
	for i := range s.MatchExpressions {
		if !s.MatchExpressions[i].valid() {
			return false
		}
	}
	return true
}

// valid: In and NotIn need values, Exists and DoesNotExist must have none.
func (r *Requirement) valid() bool {
	if !oauth.ValidLabelKey(r.Key) {
		return false
	}
	switch r.Operator {
	case In, NotIn:
		return len(r.Values) > 0 && !slices.ContainsFunc(r.Values, func(v string) bool { return !oauth.ValidLabelValue(v) })
	case Exists, DoesNotExist:
		return len(r.Values) == 0
	}
	return false
}
