package keys

import (
	"fmt"
	"slices"
	"time"
)

// Plan says what the key set should be now.
//
// It returns the next set, what changed (nothing: the set is as it was and need
// not be written), and when to look again. It changes nothing itself: the caller
// writes the set, and plans again from what was written. The set passed in stays
// as it is. Errors are those of the Schedule and of making keys.
//
// The rules, in the order in which they are applied:
//
//  1. An observation counts only if the server answered, lists at least one
//     replica, all of them serve the current revision for some seconds, and its
//     clocks are plausible. Without one no key is promoted, retired or removed:
//     an outage freezes the phases.
//  2. All replicas serve the current revision: ObservedAt is noted on the keys
//     that have none, by the planner's own clock. It is noted anew if a replica
//     appears that began later (see restarted).
//  3. A Retiring key is removed, and dead, when it has been observed for the
//     longest lifetime of its tokens plus the skew: from then on nobody signs
//     with it, and what was signed has expired.
//  4. A Published key that has been observed for the JWKS cache time may become
//     Active: no verifier holds a JWK Set without it. It does so when the Active
//     one has signed for RotateEvery, on RotateNow, or if there is none. The
//     former Active key becomes Retiring in the same step.
//  5. Where no key was ever Active there is no verifier to wait for: a key is
//     made and Active at once.
//  6. Keys of algorithms no longer asked for leave when every algorithm asked for
//     has an Active key.
//  7. Every algorithm asked for has a Published standby.
//
// What this relies on: now is read after the replicas were asked; a replica
// answers only while it holds a lease, takes one only with a key set it has just
// read, and tells in it what it serves already, not what it is going to; and no
// cache keeps a JWK Set for longer than JWKSMaxAge.
func Plan(set Set, cfg Schedule, now time.Time, obs Observation) (Set, []Event, time.Time, error) {
	if err := cfg.validate(); err != nil {
		return set, nil, now.Add(maxPoll), fmt.Errorf("key schedule: %w", err)
	}
	p := &planner{cfg: cfg, now: stamp(now), set: set}
	p.set.Keys = slices.Clone(set.Keys)
	p.set.Dead = slices.Clone(set.Dead)
	p.cfg.Algorithms = distinct(cfg.Algorithms)
	p.judge(obs)

	p.noteLifetimes()
	if p.observed {
		p.noteObserved()
		p.removeExpired()
		p.promote()
		p.dropUnasked()
	}
	if err := p.begin(); err != nil {
		return set, nil, p.now.Add(maxPoll), fmt.Errorf("key schedule: %w", err)
	}
	if err := p.addStandbys(); err != nil {
		return set, nil, p.now.Add(maxPoll), fmt.Errorf("key schedule: %w", err)
	}
	if len(p.events) > 0 {
		p.set.Version = FormatVersion
	}
	return p.set, p.events, p.next(), nil
}

// planner carries one Plan. Its methods replace what the keys point to and never
// write through a pointer: the caller's set shares them.
type planner struct {
	cfg      Schedule
	now      time.Time
	set      Set
	events   []Event
	observed bool  // every live replica serves the set's revision
	latest   int64 // latest ServingSince of the replicas, Unix seconds
}

func (p *planner) event(t EventType, k *Key) {
	p.events = append(p.events, Event{Type: t, KID: k.KID, Algorithm: k.Algorithm})
}

// noteLifetimes keeps, on every key that signs or may still be signing at a
// lagging replica, the longest token lifetime there was: a lifetime that was
// shortened yesterday still counts for yesterday's tokens.
func (p *planner) noteLifetimes() {
	for i := range p.set.Keys {
		k := &p.set.Keys[i]
		signs := k.Phase == Active || k.Phase == Retiring && k.ObservedAt == nil
		if longest := p.lifetime(); signs && k.TokensExpireIn < longest {
			k.TokensExpireIn = longest
			p.event(EventAdjusted, k)
		}
	}
}

// removeExpired is rule 3.
func (p *planner) removeExpired() {
	p.remove(func(k *Key) bool {
		return k.Phase == Retiring && k.ObservedAt != nil && !p.now.Before(p.expiry(k))
	})
}

// promote is rule 4. RotateNow moves all algorithms in one step or none, so that
// whoever asked for it knows when it was done.
func (p *planner) promote() {
	asked := p.cfg.RotateNow
	for _, alg := range p.cfg.Algorithms {
		asked = asked && p.ready(alg) != nil
	}
	for _, alg := range p.cfg.Algorithms {
		standby, active := p.ready(alg), p.active(alg)
		if standby != nil && (active == nil || asked && p.room(0) || p.due(active) && p.room(2)) {
			p.retire(active)
			p.activate(standby)
		}
	}
}

// dropUnasked is rule 6. A Published key never signed: it goes at once. That
// waits, too, so that going back to the old algorithm in time costs nothing.
func (p *planner) dropUnasked() {
	for _, alg := range p.cfg.Algorithms {
		if p.active(alg) == nil {
			return
		}
	}
	for i := range p.set.Keys {
		if k := &p.set.Keys[i]; k.Phase == Active && !p.asked(k.Algorithm) {
			p.retire(k)
		}
	}
	p.remove(func(k *Key) bool { return k.Phase == Published && !p.asked(k.Algorithm) })
}

// begin is rule 5.
func (p *planner) begin() error {
	if slices.ContainsFunc(p.set.Keys, func(k Key) bool { return k.Phase != Published }) {
		return nil
	}
	if err := p.addStandbys(); err != nil {
		return err
	}
	for _, alg := range p.cfg.Algorithms {
		p.activate(p.oldestStandby(alg))
	}
	return nil
}

// addStandbys is rule 7.
func (p *planner) addStandbys() error {
	for _, alg := range p.cfg.Algorithms {
		if p.oldestStandby(alg) != nil || len(p.set.Keys) >= MaxKeys {
			continue
		}
		k, err := p.cfg.Generate(alg, p.now)
		if err != nil {
			return err
		}
		if err := p.usable(k, alg); err != nil {
			return err
		}
		p.set.Keys = append(p.set.Keys, k)
		p.event(EventPublished, &k)
	}
	return nil
}

// usable refuses a made key that is not a new, Published one of its algorithm.
func (p *planner) usable(k Key, alg string) error {
	if k.Algorithm != alg || k.Phase != Published {
		return fmt.Errorf("made a %s key for %s that is %s, want a Published one", k.Algorithm, alg, k.Phase)
	}
	known := slices.ContainsFunc(p.set.Keys, func(other Key) bool { return other.KID == k.KID })
	if known || slices.Contains(p.set.Dead, k.KID) {
		return fmt.Errorf("made key %s, which was used before", k.KID)
	}
	return nil
}

func (p *planner) activate(k *Key) {
	if k == nil {
		return
	}
	at := p.now
	k.Phase, k.Activated, k.ObservedAt = Active, &at, nil
	k.TokensExpireIn = p.lifetime()
	p.event(EventActivated, k)
}

func (p *planner) retire(k *Key) {
	if k == nil {
		return
	}
	at := p.now
	k.Phase, k.Retired, k.ObservedAt = Retiring, &at, nil
	p.event(EventRetired, k)
}

func (p *planner) remove(gone func(*Key) bool) {
	p.set.Keys = slices.DeleteFunc(p.set.Keys, func(k Key) bool {
		if !gone(&k) {
			return false
		}
		p.set.Dead = append(p.set.Dead, k.KID)
		p.event(EventRemoved, &k)
		return true
	})
	if surplus := len(p.set.Dead) - MaxDead; surplus > 0 {
		p.set.Dead = slices.Delete(p.set.Dead, 0, surplus)
	}
}
