package keys

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// The simulation runs a server of several replicas and its key schedule through
// months, with everything that may go wrong without anybody's fault: replicas
// that lag, start, restart, crash, and come back with the set they had; a
// controller that is late; a server that cannot be asked; emergency rotations;
// changed algorithms and lifetimes.
//
// It holds the promise against every verifier there could be, rather than some:
// a verifier may use any JWK Set that any answering replica served within the
// cache time. So no token may fail if, and only if,
//
//	(a) when a key signs, no replica has served a JWK Set without it within the
//	    cache time, and
//	(b) until the last token of a key is invalid everywhere, no replica serves a
//	    JWK Set without it.
type simulation struct {
	t    *testing.T
	rng  *rand.Rand
	cfg  Schedule
	now  time.Time
	step time.Duration

	history  []version // what was in the Secret, and since when
	replicas []*replica
	names    int

	next time.Time // when the controller plans

	missing map[string]time.Time // kid: last JWK Set without it
	valid   map[string]time.Time // kid: until when its tokens are valid
	wasDead map[string]bool

	signed, promotions, emergencies, blocked int
}

type version struct {
	set      Set
	kids     map[string]bool
	revision string
	since    time.Time
}

// replica answers while up. It holds the version at index have, since a time.
type replica struct {
	id       string
	up       bool
	listed   time.Time // until when its lease lasts
	have     int
	since    time.Time
	readNext time.Time // when it sees the version that is newest then
	back     time.Time // when it comes up again; zero: it is up
}

const (
	leaseTerm = 30 * time.Second
	// staleness of the set with which a replica begins to answer: far more than
	// it takes to read one, and less than a token lives.
	staleness = time.Minute
)

func TestSimulatedMonthsOfRotation(t *testing.T) {
	worlds := []struct {
		name     string
		cfg      Schedule
		step     time.Duration
		duration time.Duration
		maxLag   time.Duration
		trouble  time.Duration // mean time between starts and crashes of replicas
	}{
		{"the defaults of a busy shop", Schedule{RotateEvery: 7 * 24 * time.Hour, JWKSMaxAge: 5 * time.Minute, MaxTokenLifetime: 15 * time.Minute, Skew: time.Minute}, 30 * time.Second, 30 * 24 * time.Hour, 10 * time.Minute, time.Hour},
		{"rotation as fast as caching lets it", Schedule{RotateEvery: time.Minute, JWKSMaxAge: 5 * time.Minute, MaxTokenLifetime: 10 * time.Minute, Skew: 30 * time.Second}, 2 * time.Second, 3 * 24 * time.Hour, time.Minute, 6 * time.Minute},
		{"long tokens, short rotation", Schedule{RotateEvery: 10 * time.Minute, JWKSMaxAge: time.Minute, MaxTokenLifetime: 6 * time.Hour, Skew: time.Minute}, 10 * time.Second, 4 * 24 * time.Hour, 2 * time.Minute, time.Hour},
		{"caches of a day", Schedule{RotateEvery: 30 * 24 * time.Hour, JWKSMaxAge: 24 * time.Hour, MaxTokenLifetime: time.Hour, Skew: time.Minute}, time.Minute, 60 * 24 * time.Hour, 30 * time.Minute, time.Hour},
		{"no caches", Schedule{RotateEvery: time.Hour, JWKSMaxAge: 0, MaxTokenLifetime: time.Minute, Skew: 20 * time.Second}, 3 * time.Second, 2 * 24 * time.Hour, 5 * time.Minute, time.Hour},
	}
	for _, w := range worlds {
		w.cfg.Algorithms, w.cfg.Generate = []string{ES256}, cheap
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("%s/%d", w.name, seed), func(t *testing.T) {
				t.Parallel()
				s := &simulation{
					t: t, rng: rand.New(rand.NewPCG(seed, 28)), cfg: w.cfg, now: start, step: w.step,
					missing: map[string]time.Time{}, valid: map[string]time.Time{}, wasDead: map[string]bool{},
				}
				s.run(start.Add(w.duration), w.maxLag, w.trouble)
				s.report(w.duration)
			})
		}
	}
}

// cheap makes ES256 keys under both names: RSA keys would take all the time, and
// the schedule does not look inside.
func cheap(alg string, now time.Time) (Key, error) {
	k, err := Generate(ES256, now)
	k.Algorithm = alg
	return k, err
}

func (s *simulation) run(end time.Time, maxLag, trouble time.Duration) {
	s.plan()
	for range 3 {
		s.start()
	}
	for ; s.now.Before(end) && !s.t.Failed(); s.now = s.now.Add(s.step) {
		s.trouble(trouble)
		for _, r := range s.replicas {
			s.live(r, maxLag)
		}
		if !s.now.Before(s.next) {
			s.plan()
		}
		s.replicas = slices.DeleteFunc(s.replicas, func(r *replica) bool { return !r.up && r.back.IsZero() && r.listed.Before(s.now) })
	}
}

// chance is true once in a mean time.
func (s *simulation) chance(mean time.Duration) bool {
	return s.rng.Float64() < float64(s.step)/float64(mean)
}

func (s *simulation) upTo(d time.Duration) time.Duration {
	return time.Duration(s.rng.Int64N(int64(d) + 1))
}

// start adds a replica. It has read the set a little before it answers.
func (s *simulation) start() {
	s.names++
	r := &replica{id: fmt.Sprint(s.names)}
	s.up(r, s.upTo(staleness))
	s.replicas = append(s.replicas, r)
}

// up lets a replica answer, with the set that was the newest some time ago.
func (s *simulation) up(r *replica, stale time.Duration) {
	r.up, r.back, r.since, r.readNext = true, time.Time{}, s.now, time.Time{}
	for i, v := range s.history {
		if !v.since.After(s.now.Add(-stale)) || i == 0 {
			r.have = i
		}
	}
}

func (s *simulation) trouble(mean time.Duration) {
	if len(s.replicas) < 5 && s.chance(mean/2) {
		s.start()
	}
	if s.chance(mean) && len(s.replicas) > 0 {
		r := s.replicas[s.rng.IntN(len(s.replicas))]
		if r.up {
			r.up = false // its lease goes on for a while
			if s.rng.IntN(2) == 0 {
				r.back = s.now.Add(s.upTo(3 * leaseTerm))
			}
		}
	}
	if s.chance(12 * time.Hour) {
		s.cfg.RotateNow = true
		s.next = s.now
	}
	if s.chance(48 * time.Hour) {
		s.cfg.Algorithms = [][]string{{ES256}, {RS256}, {ES256, RS256}}[s.rng.IntN(3)]
		s.next = s.now
	}
}

// live lets a replica catch up, renew its lease, serve its JWK Set and sign.
func (s *simulation) live(r *replica, maxLag time.Duration) {
	if !r.up {
		if !r.back.IsZero() && !s.now.Before(r.back) {
			s.up(r, s.upTo(staleness))
		} else {
			return
		}
	}
	newest := len(s.history) - 1
	if r.have < newest && r.readNext.IsZero() {
		r.readNext = s.now.Add(s.upTo(maxLag))
	}
	if !r.readNext.IsZero() && !s.now.Before(r.readNext) {
		if s.history[newest].revision != s.history[r.have].revision {
			r.since = s.now
		}
		r.have, r.readNext = newest, time.Time{}
	}
	r.listed = s.now.Add(leaseTerm)
	s.serve(s.history[r.have])
}

// serve checks both halves of the promise.
func (s *simulation) serve(served version) {
	for kid, until := range s.valid {
		if s.now.After(until) {
			delete(s.valid, kid)
			delete(s.missing, kid)
		} else if !served.kids[kid] {
			s.t.Errorf("%s: a JWK Set without %s, whose tokens are valid until %s", s.now, kid, until)
		}
	}
	for _, k := range s.newest().Keys {
		if !served.kids[k.KID] {
			s.missing[k.KID] = s.now
		}
	}
	for _, k := range served.set.Keys {
		if k.Phase == Active {
			s.sign(k.KID)
		}
	}
}

func (s *simulation) sign(kid string) {
	s.signed++
	if s.wasDead[kid] {
		s.t.Errorf("%s: signed with %s, which is dead", s.now, kid)
	}
	if at, ok := s.missing[kid]; ok && s.now.Sub(at) < s.cfg.JWKSMaxAge {
		s.t.Errorf("%s: signed with %s; a JWK Set without it was served %s ago", s.now, kid, s.now.Sub(at))
	}
	s.valid[kid] = s.now.Add(s.cfg.MaxTokenLifetime + s.cfg.Skew)
}

func (s *simulation) newest() Set { return s.history[len(s.history)-1].set }

// plan is the controller: at times late, at times without an answer.
func (s *simulation) plan() {
	var before Set
	var o Observation
	if len(s.history) > 0 {
		before = s.newest()
		o = s.observe()
	}
	set, events, next, err := Plan(before, s.cfg, s.now, o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.next = next
	if s.rng.IntN(10) == 0 {
		s.next = next.Add(s.upTo(20 * time.Minute))
	}
	frozen := !o.Known
	for _, e := range events {
		s.note(e, frozen && len(s.history) > 0)
	}
	if len(events) > 0 {
		v := version{set: set, kids: map[string]bool{}, revision: set.Revision(), since: s.now}
		for _, k := range set.Keys {
			v.kids[k.KID] = true
		}
		s.history = append(s.history, v)
	}
}

func (s *simulation) note(e Event, frozen bool) {
	if frozen && e.Type != EventPublished && e.Type != EventAdjusted {
		s.t.Errorf("%s: %v during an outage", s.now, e)
	}
	switch e.Type {
	case EventActivated:
		s.promotions++
		if s.cfg.RotateNow {
			s.cfg.RotateNow = false
			s.emergencies++
		}
	case EventRemoved:
		s.wasDead[e.KID] = true
	}
}

// observe lists who holds a lease, with what it said when it renewed it.
func (s *simulation) observe() Observation {
	if s.rng.IntN(5) == 0 {
		s.blocked++
		return Observation{}
	}
	o := Observation{Known: true}
	for _, r := range s.replicas {
		if r.listed.After(s.now) {
			o.Replicas = append(o.Replicas, oauth.Replica{
				ID: r.id, KeySetRevision: s.history[r.have].revision,
				ServingSince: r.since.Unix(), LeaseExpires: r.listed.Unix(),
			})
		}
	}
	return o
}

// report makes sure that there was something to see, and no starvation: with all
// this trouble a rotation still comes in a small multiple of its interval.
func (s *simulation) report(d time.Duration) {
	s.t.Logf("%d promotions, %d of them asked for, %d tokens, %d outages, %d keys, %d dead",
		s.promotions, s.emergencies, s.signed, s.blocked, len(s.newest().Keys), len(s.newest().Dead))
	interval := max(s.cfg.RotateEvery, s.cfg.JWKSMaxAge+settled) + 2*time.Hour
	if least := int(d / (3 * interval)); s.promotions < least {
		s.t.Errorf("%d promotions in %s, want %d at least", s.promotions, d, least)
	}
	if s.signed == 0 || s.emergencies == 0 || s.blocked == 0 {
		s.t.Error("the simulation was too quiet to prove anything")
	}
}
