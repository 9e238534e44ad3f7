package keys

import (
	"slices"
	"time"
)

// How often to look while something waits for the replicas: a tenth of the JWKS
// cache time within these bounds.
const (
	minPoll = time.Second
	maxPoll = 30 * time.Second
)

// active returns the Active key of an algorithm, or nil.
func (p *planner) active(alg string) *Key {
	for i := range p.set.Keys {
		if k := &p.set.Keys[i]; k.Phase == Active && k.Algorithm == alg {
			return k
		}
	}
	return nil
}

// oldestStandby returns the Published key of an algorithm that was made first, or
// nil. There is one, unless somebody put in more by hand.
func (p *planner) oldestStandby(alg string) *Key {
	var oldest *Key
	for i := range p.set.Keys {
		k := &p.set.Keys[i]
		if k.Phase == Published && k.Algorithm == alg && (oldest == nil || k.Created.Before(oldest.Created)) {
			oldest = k
		}
	}
	return oldest
}

// ready returns the standby if it may become Active now, or nil.
func (p *planner) ready(alg string) *Key {
	k := p.oldestStandby(alg)
	if k == nil || k.ObservedAt == nil || p.now.Before(k.ObservedAt.Add(p.cfg.JWKSMaxAge)) {
		return nil
	}
	return k
}

// due tells whether an Active key has signed long enough.
func (p *planner) due(active *Key) bool {
	return !p.now.Before(active.Activated.Add(p.cfg.RotateEvery))
}

// room tells whether a rotation, which adds a standby, leaves so many places.
func (p *planner) room(places int) bool { return len(p.set.Keys)+1+places <= MaxKeys }

// expiry is when the last token of a Retiring key, observed as such, is invalid
// everywhere.
func (p *planner) expiry(k *Key) time.Time {
	return k.ObservedAt.Add(k.TokensExpireIn + p.cfg.Skew)
}

func (p *planner) asked(alg string) bool { return slices.Contains(p.cfg.Algorithms, alg) }

// lifetime of the tokens signed now, in full seconds as the set stores it.
func (p *planner) lifetime() time.Duration {
	return (p.cfg.MaxTokenLifetime + time.Second - 1).Truncate(time.Second)
}

// next is when to plan again: at the first thing that is due, or after a short
// while where that is already past and waits for the replicas.
func (p *planner) next() time.Time {
	poll := p.now.Add(min(max(p.cfg.JWKSMaxAge/10, minPoll), maxPoll))
	next := poll
	if first := p.firstDue(); first.After(p.now) {
		next = first
	}
	return next
}

// firstDue is the earliest time at which something may change; zero if that is
// as soon as the replicas are seen to serve the set.
func (p *planner) firstDue() time.Time {
	var first time.Time
	for i := range p.set.Keys {
		k := &p.set.Keys[i]
		if k.ObservedAt == nil {
			return time.Time{}
		}
		at := p.keyDue(k)
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// keyDue is when something happens to an observed key; zero: not by itself.
func (p *planner) keyDue(k *Key) time.Time {
	switch {
	case k.Phase == Retiring:
		return p.expiry(k)
	case k.Phase == Active && p.asked(k.Algorithm):
		return k.Activated.Add(p.cfg.RotateEvery)
	case k.Phase == Published && (p.cfg.RotateNow || p.active(k.Algorithm) == nil):
		return k.ObservedAt.Add(p.cfg.JWKSMaxAge)
	default:
		return time.Time{}
	}
}

// distinct drops repetitions and keeps the order.
func distinct(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
