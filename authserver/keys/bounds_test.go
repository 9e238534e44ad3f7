package keys

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestF30ClockBackInThePresent(t *testing.T) {
	cfg := daily()
	s, _, _ := plan(t, Set{}, cfg, start.AddDate(1, 0, 0), Observation{}) // a year ahead
	s, _, _ = plan(t, s, cfg, start, serving(s.Revision(), start.Add(-time.Minute)))
	for _, k := range s.Keys {
		if k.Created.After(start) || k.ObservedAt.After(start) || k.Activated != nil && k.Activated.After(start) {
			t.Errorf("a time is still in the future: %s", describe(s))
		}
	}
	cfg.RotateNow = true
	_, events, _ := plan(t, s, cfg, start.Add(cfg.JWKSMaxAge), serving(s.Revision(), start.Add(-time.Minute)))
	if !strings.Contains(types(events), "Activated") {
		t.Errorf("events %v, want a rotation", events)
	}
}

// With the shortest rotation and the longest tokens the set must not outgrow its
// bound, and the last places are RotateNow's.
func TestPlanKeepsTheSetSmall(t *testing.T) {
	cfg := daily()
	cfg.RotateEvery, cfg.JWKSMaxAge, cfg.MaxTokenLifetime = time.Minute, 0, 24*time.Hour
	var s Set
	now := start
	step := func() {
		s, _, _ = plan(t, s, cfg, now, serving(s.Revision(), now.Add(-10*time.Second)))
		now = now.Add(30 * time.Second)
	}
	for range 400 {
		step()
	}
	if len(s.Keys) > MaxKeys-2 {
		t.Fatalf("%d keys, want at most %d", len(s.Keys), MaxKeys-2)
	}
	cfg.RotateNow = true
	for range 400 {
		step()
	}
	if len(s.Keys) > MaxKeys {
		t.Errorf("%d keys, want at most %d", len(s.Keys), MaxKeys)
	}
}

func TestPlanDeadListIsBounded(t *testing.T) {
	cfg := daily()
	cfg.RotateEvery, cfg.JWKSMaxAge, cfg.MaxTokenLifetime, cfg.Skew = time.Minute, 0, time.Second, 0
	var s Set
	var removed []string
	for now := start; len(removed) < MaxDead+20; now = now.Add(30 * time.Second) {
		var events []Event
		s, events, _ = plan(t, s, cfg, now, serving(s.Revision(), now.Add(-10*time.Second)))
		for _, e := range events {
			if e.Type == EventRemoved {
				removed = append(removed, e.KID)
			}
		}
	}
	if diff := cmp.Diff(removed[len(removed)-MaxDead:], s.Dead); diff != "" {
		t.Errorf("dead kids (-want +got):\n%s", diff)
	}
}
