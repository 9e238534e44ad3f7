package keys

import (
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

const (
	// settled is how long after a key came into its phase a replica that begins
	// to answer is still suspected of having served an older set first. That a
	// replica, before it answers, reads the set of the last hour is what Plan
	// relies on. Without the bound, restarts more frequent than the JWKS cache
	// time would put a rotation off for ever.
	settled = time.Hour
	// grace is how long all replicas must have served a revision before that
	// counts: it covers the rounding of ServingSince, the time that asking them
	// takes, and small differences of clocks.
	grace = 2 * time.Second
	// farLease is a lease that no replica takes: its clock or ours is wrong.
	farLease = 2 * time.Hour
)

// judge is rule 1.
func (p *planner) judge(obs Observation) {
	p.observed = obs.Known && len(obs.Replicas) > 0
	revision := p.set.Revision()
	for _, r := range obs.Replicas {
		p.observed = p.observed && r.KeySetRevision == revision && p.plausible(r)
		p.latest = max(p.latest, r.ServingSince)
	}
}

// plausible refuses what cannot be true by our clock. A lease that has ended may
// be listed because the list is old, or because our clock runs ahead, and then
// everything looks older than it is; a lease far in the future says that it runs
// behind. A replica that began just now, or in the future, is judged a little later.
func (p *planner) plausible(r oauth.Replica) bool {
	if time.Unix(r.ServingSince, 0).Add(grace).After(p.now) {
		return false
	}
	if r.LeaseExpires == 0 {
		return true // not told
	}
	left := time.Unix(r.LeaseExpires, 0).Sub(p.now)
	return left > 0 && left < farLease
}

// noteObserved is rule 2. Our own clock is used, not the replicas': one that runs
// behind must not make a key look older.
func (p *planner) noteObserved() {
	for i := range p.set.Keys {
		k := &p.set.Keys[i]
		p.unfuture(k)
		if k.ObservedAt == nil || p.restarted(k) {
			at := p.now
			k.ObservedAt = &at
			p.event(EventObserved, k)
		}
	}
}

// restarted tells whether a replica began to serve the revision after the key was
// observed everywhere. If the revision did not change in between, that replica is
// new, or back after its lease had ended, and may have answered with an older set
// for a moment: with a JWK Set without this key, or signing with a key that is
// Retiring elsewhere. If the revision did change this cannot be told apart, so
// the time is counted again in that case as well, but only while the phase is
// young: neither restarts nor changes can hold a key back for longer than settled.
// Nothing waits for the observation of an Active key.
func (p *planner) restarted(k *Key) bool {
	latest := time.Unix(p.latest, 0)
	return k.Phase != Active && latest.Add(grace).After(*k.ObservedAt) && latest.Before(k.since().Add(settled))
}

// unfuture brings times back to the present that a clock which ran ahead has
// left: a key would otherwise wait for that time to come.
func (p *planner) unfuture(k *Key) {
	late := func(t *time.Time) bool { return t != nil && t.After(p.now) }
	if !late(&k.Created) && !late(k.Activated) && !late(k.Retired) && !late(k.ObservedAt) {
		return
	}
	at := p.now
	if late(&k.Created) {
		k.Created = at
	}
	if late(k.Activated) {
		k.Activated = &at
	}
	if late(k.Retired) {
		k.Retired = &at
	}
	if late(k.ObservedAt) {
		k.ObservedAt = &at
	}
	p.event(EventAdjusted, k)
}

// since is when the key came into its phase.
func (k *Key) since() time.Time {
	switch {
	case k.Retired != nil:
		return *k.Retired
	case k.Activated != nil:
		return *k.Activated
	default:
		return k.Created
	}
}
