package keys

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"clientele.dev/clientele/authserver/oauth"
)

// The world of the table tests: a day's rotation, five minutes of JWKS caching,
// tokens of a quarter of an hour, a minute of skew.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func daily() Schedule {
	return Schedule{
		Algorithms: []string{ES256}, RotateEvery: 24 * time.Hour, JWKSMaxAge: 5 * time.Minute,
		MaxTokenLifetime: 15 * time.Minute, Skew: time.Minute, Generate: Generate,
	}
}

// serving is an observation of replicas that serve a revision since some time.
func serving(revision string, since ...time.Time) Observation {
	o := Observation{Known: true}
	for i, t := range since {
		o.Replicas = append(o.Replicas, oauth.Replica{
			ID: string(rune('a' + i)), KeySetRevision: revision, ServingSince: t.Unix(),
		})
	}
	return o
}

// plan is Plan where it must not fail; it checks what holds of every plan.
func plan(t *testing.T, s Set, cfg Schedule, now time.Time, o Observation) (Set, []Event, time.Time) {
	t.Helper()
	before := describe(s)
	next, events, again, err := Plan(s, cfg, now, o)
	if err != nil {
		t.Fatalf("Plan: %v", err)
	}
	if describe(s) != before {
		t.Fatalf("Plan changed the set it was given:\n%s\nnow\n%s", before, describe(s))
	}
	if (describe(next) != before) != (len(events) > 0) {
		t.Fatalf("the set changed without an event, or the other way round: %v\n%s\n%s", events, before, describe(next))
	}
	if !again.After(now) {
		t.Fatalf("the next look is at %s, not after %s", again, now)
	}
	if err := next.validate(); err != nil {
		t.Fatalf("planned an invalid set: %v", err)
	}
	return next, events, again
}

// describe is all of a set but the private keys, as text.
func describe(s Set) string {
	var b strings.Builder
	at := func(t *time.Time) string {
		if t == nil {
			return "-"
		}
		return t.Format(time.RFC3339Nano)
	}
	for _, k := range s.Keys {
		b.WriteString(strings.Join([]string{
			k.KID, k.Algorithm, string(k.Phase), at(&k.Created), at(k.ObservedAt), at(k.Activated), at(k.Retired), k.TokensExpireIn.String(),
		}, " ") + "\n")
	}
	return b.String() + strings.Join(s.Dead, " ")
}

func types(events []Event) string {
	var out []string
	for _, e := range events {
		out = append(out, string(e.Type))
	}
	return strings.Join(out, " ")
}

// settledSet is a set whose standby was observed long ago.
func settledSet(t *testing.T, cfg Schedule) Set {
	t.Helper()
	s, _, _ := plan(t, Set{}, cfg, start.Add(-10*time.Hour), Observation{})
	at := start.Add(-9 * time.Hour)
	s, _, _ = plan(t, s, cfg, at, serving(s.Revision(), at.Add(-time.Minute)))
	return s
}

// key returns the only key of an algorithm in a phase.
func key(t *testing.T, s Set, alg string, phase Phase) Key {
	t.Helper()
	var found []Key
	for _, k := range s.Keys {
		if k.Algorithm == alg && k.Phase == phase {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d %s keys are %s, want 1:\n%s", len(found), alg, phase, describe(s))
	}
	return found[0]
}

func TestPlanFirstKeySignsAtOnceAndHasAStandby(t *testing.T) {
	cfg := daily()
	cfg.Algorithms = []string{ES256, RS256}
	s, events, _ := plan(t, Set{}, cfg, start, Observation{})
	if got, want := types(events), "Published Published Activated Activated Published Published"; got != want {
		t.Errorf("events %q, want %q", got, want)
	}
	for _, alg := range cfg.Algorithms {
		active, standby := key(t, s, alg, Active), key(t, s, alg, Published)
		if active.Activated == nil || !active.Activated.Equal(start) || active.TokensExpireIn != 15*time.Minute {
			t.Errorf("%s: active key %s", alg, describe(Set{Keys: []Key{active}}))
		}
		if standby.Activated != nil || standby.ObservedAt != nil {
			t.Errorf("%s: standby %s", alg, describe(Set{Keys: []Key{standby}}))
		}
	}
}

func TestPlanScheduledRotation(t *testing.T) {
	cfg := daily()
	s := settledSet(t, cfg)
	active, standby := key(t, s, ES256, Active), key(t, s, ES256, Published)
	due := active.Activated.Add(cfg.RotateEvery)
	up := serving(s.Revision(), start.Add(-9*time.Hour-time.Minute))

	same, events, again := plan(t, s, cfg, due.Add(-time.Second), up)
	if len(events) != 0 || !again.Equal(due) {
		t.Fatalf("a second early: events %v, next look %s, want none and %s", events, again, due)
	}
	s, events, _ = plan(t, same, cfg, due, up)
	want := []Event{{EventRetired, active.KID, ES256}, {EventActivated, standby.KID, ES256}, {EventPublished, key(t, s, ES256, Published).KID, ES256}}
	if diff := cmp.Diff(want, events); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}

	// The old key leaves when all serve it as Retiring, for lifetime and skew.
	seen := due.Add(time.Minute)
	up = serving(s.Revision(), seen.Add(-10*time.Second))
	s, events, again = plan(t, s, cfg, seen, up)
	if got := types(events); got != "Observed Observed Observed" {
		t.Fatalf("events %q, want three keys Observed", got)
	}
	gone := seen.Add(16 * time.Minute)
	if !again.Equal(gone) {
		t.Errorf("next look %s, want %s", again, gone)
	}
	s, events, _ = plan(t, s, cfg, gone.Add(-time.Second), up)
	if len(events) != 0 {
		t.Fatalf("events %v a second before the last token expires", events)
	}
	s, events, _ = plan(t, s, cfg, gone, up)
	if diff := cmp.Diff([]Event{{EventRemoved, active.KID, ES256}}, events); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	if !slices.Contains(s.Dead, active.KID) {
		t.Errorf("removed key %s is not dead", active.KID)
	}
}

// Each row is a reason for which a standby whose time has come is not promoted.
func TestPlanPromotesOnlyWhatEveryReplicaServed(t *testing.T) {
	cfg := daily()
	base, _, _ := plan(t, Set{}, cfg, start, Observation{})
	old := start.Add(-time.Minute)
	rev := base.Revision()
	due := start.Add(cfg.RotateEvery)
	lease := func(o Observation, ends time.Time) Observation {
		for i := range o.Replicas {
			o.Replicas[i].LeaseExpires = ends.Unix()
		}
		return o
	}
	mixed := serving(rev, old, old)
	mixed.Replicas[1].KeySetRevision = "older"

	observedAt := func(at time.Time) Set {
		s, _, _ := plan(t, base, cfg, at, serving(rev, at.Add(-time.Minute)))
		return s
	}
	early := observedAt(start.Add(time.Minute))
	tests := []struct {
		rule     string
		set      Set
		now      time.Time
		obs      Observation
		promoted bool
	}{
		{"observed everywhere long ago", early, due, serving(rev, old, old), true},
		{"the server cannot be asked", early, due, Observation{Replicas: serving(rev, old).Replicas}, false},
		{"no replica is known", early, due, Observation{Known: true}, false},
		{"one replica serves another revision", early, due, mixed, false},
		{"never observed before", base, due, serving(rev, old), false},
		{"observed for less than the cache time", observedAt(due.Add(-5*time.Minute + time.Second)), due, serving(rev, old), false},
		{"observed for exactly the cache time", observedAt(due.Add(-5 * time.Minute)), due, serving(rev, old), true},
		{"a replica restarted since, in the key's first hour", early, due, serving(rev, old, start.Add(59*time.Minute)), false},
		{"a replica restarted since, after the key's first hour", early, due, serving(rev, old, start.Add(61*time.Minute)), true},
		{"a replica began just now", early, due, serving(rev, old, due.Add(-time.Second)), false},
		{"a replica's clock runs ahead", early, due, serving(rev, old, due.Add(time.Hour)), false},
		{"a lease has ended: the list is old or our clock runs ahead", early, due, lease(serving(rev, old), due), false},
		{"a lease ends in a year: our clock runs behind", early, due, lease(serving(rev, old), due.AddDate(1, 0, 0)), false},
		{"leases as they should be", early, due, lease(serving(rev, old), due.Add(30*time.Second)), true},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			s, events, _ := plan(t, tt.set, cfg, tt.now, tt.obs)
			activated := slices.ContainsFunc(events, func(e Event) bool { return e.Type == EventActivated })
			if activated != tt.promoted {
				t.Errorf("promoted: %v, want %v\n%s", activated, tt.promoted, describe(s))
			}
		})
	}
}

func TestPlanOutageFreezesRetiringKeys(t *testing.T) {
	cfg := daily()
	s := settledSet(t, cfg)
	cfg.RotateNow = true
	s, _, _ = plan(t, s, cfg, start, serving(s.Revision(), start.Add(-9*time.Hour)))
	cfg.RotateNow = false
	seen := start.Add(time.Minute)
	s, _, _ = plan(t, s, cfg, seen, serving(s.Revision(), start))
	late := start.AddDate(0, 0, 40)
	for _, o := range []Observation{{}, {Known: true}, serving("older", start)} {
		if _, events, again := plan(t, s, cfg, late, o); len(events) > 0 || again.Sub(late) > maxPoll {
			t.Errorf("%+v: events %v, next look in %s; want none and soon", o, events, again.Sub(late))
		}
	}
}

func TestPlanRotateNow(t *testing.T) {
	cfg := daily()
	cfg.RotateNow = true
	s := settledSet(t, cfg)
	standby := key(t, s, ES256, Published)
	up := serving(s.Revision(), start.Add(-9*time.Hour-time.Minute))
	s, events, _ := plan(t, s, cfg, start, up)
	if got := key(t, s, ES256, Active).KID; got != standby.KID {
		t.Fatalf("active %s, want the standby %s; events %v", got, standby.KID, events)
	}
	// Asked again at once, the new standby has to be observed first.
	_, events, _ = plan(t, s, cfg, start.Add(time.Second), serving(s.Revision(), start))
	if strings.Contains(types(events), "Activated") {
		t.Errorf("promoted a standby that nobody can have fetched: %v", events)
	}
	again := start.Add(time.Minute)
	s, _, _ = plan(t, s, cfg, again, serving(s.Revision(), start))
	_, _, next := plan(t, s, cfg, again, serving(s.Revision(), start))
	if want := again.Add(cfg.JWKSMaxAge); !next.Equal(want) {
		t.Errorf("next look %s, want %s", next, want)
	}
}

func TestPlanRotateNowMovesAllAlgorithmsOrNone(t *testing.T) {
	cfg := daily()
	cfg.Algorithms = []string{ES256, RS256}
	s := settledSet(t, cfg)
	cfg.RotateNow = true
	for i, k := range s.Keys {
		if k.Phase == Published && k.Algorithm == RS256 {
			s.Keys[i].ObservedAt = nil
		}
	}
	up := serving(s.Revision(), start.Add(-time.Hour))
	s, events, _ := plan(t, s, cfg, start, up)
	if strings.Contains(types(events), "Activated") {
		t.Fatalf("rotated one of two: %v", events)
	}
	_, events, _ = plan(t, s, cfg, start.Add(cfg.JWKSMaxAge), up)
	if n := strings.Count(types(events), "Activated"); n != 2 {
		t.Errorf("%d keys activated, want 2: %v", n, events)
	}
}

func TestPlanAlgorithmChange(t *testing.T) {
	cfg := daily()
	s := settledSet(t, cfg)
	cfg.Algorithms = []string{RS256}
	es256 := key(t, s, ES256, Active)
	s, events, _ := plan(t, s, cfg, start, serving(s.Revision(), start.Add(-time.Hour)))
	if got := types(events); got != "Published" {
		t.Fatalf("events %q, want Published", got)
	}
	if signer, ok := s.ActiveOr(RS256); !ok || signer.KID != es256.KID {
		t.Errorf("signs with %+v, want the ES256 key until the RS256 key is Active", signer)
	}
	up := serving(s.Revision(), start)
	s, _, _ = plan(t, s, cfg, start.Add(time.Minute), up)
	s, events, _ = plan(t, s, cfg, start.Add(6*time.Minute), up)
	if got, want := types(events), "Activated Retired Removed Published"; got != want {
		t.Fatalf("events %q, want %q", got, want)
	}
	if signer, ok := s.ActiveOr(RS256); !ok || signer.Algorithm != RS256 {
		t.Errorf("signs with %+v, want RS256", signer)
	}
	key(t, s, ES256, Retiring)
	if len(s.Dead) != 1 {
		t.Errorf("dead %v, want the ES256 standby", s.Dead)
	}
}

func TestPlanShortenedLifetimeCountsForOldTokens(t *testing.T) {
	cfg := daily()
	cfg.MaxTokenLifetime = 10 * time.Hour
	s := settledSet(t, cfg)
	cfg.MaxTokenLifetime, cfg.RotateNow = 15*time.Minute, true
	s, _, _ = plan(t, s, cfg, start, serving(s.Revision(), start.Add(-time.Hour)))
	if got := key(t, s, ES256, Retiring).TokensExpireIn; got != 10*time.Hour {
		t.Errorf("the retiring key's tokens expire in %s, want 10h", got)
	}
	cfg.MaxTokenLifetime = 20 * time.Hour // lagging replicas still sign with it
	s, events, _ := plan(t, s, cfg, start.Add(time.Second), Observation{})
	if got := key(t, s, ES256, Retiring).TokensExpireIn; got != 20*time.Hour {
		t.Errorf("the retiring key's tokens expire in %s, want 20h; events %v", got, events)
	}
}

func TestPlanRefuses(t *testing.T) {
	failing := errors.New("no entropy")
	reused := settledSet(t, daily()).Keys[0]
	reused.Phase, reused.Activated = Published, nil
	tests := []struct {
		rule string
		edit func(*Schedule)
		want string
	}{
		{"no algorithm", func(c *Schedule) { c.Algorithms = nil }, "no algorithm"},
		{"an unknown algorithm", func(c *Schedule) { c.Algorithms = []string{"none"} }, `"none"`},
		{"no rotation", func(c *Schedule) { c.RotateEvery = 0 }, "rotateEvery"},
		{"no lifetime", func(c *Schedule) { c.MaxTokenLifetime = 0 }, "lifetime"},
		{"a negative cache time", func(c *Schedule) { c.JWKSMaxAge = -1 }, "jwksMaxAge"},
		{"no generator", func(c *Schedule) { c.Generate = nil }, "make keys"},
		{"a generator that fails", func(c *Schedule) {
			c.Generate = func(string, time.Time) (Key, error) { return Key{}, failing }
		}, "no entropy"},
		{"a generator of the wrong algorithm", func(c *Schedule) {
			c.Generate = func(_ string, now time.Time) (Key, error) { return Generate(RS256, now) }
		}, "for ES256"},
		{"a generator that repeats itself", func(c *Schedule) {
			c.Generate = func(string, time.Time) (Key, error) { return reused, nil }
		}, "used before"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			cfg := daily()
			tt.edit(&cfg)
			s, events, again, err := Plan(Set{}, cfg, start, Observation{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want one with %q", err, tt.want)
			}
			if diff := cmp.Diff(Set{}, s, cmpopts.EquateEmpty()); diff != "" || events != nil || !again.After(start) {
				t.Errorf("after an error: set %s, events %v, next look %s", diff, events, again)
			}
		})
	}
}
