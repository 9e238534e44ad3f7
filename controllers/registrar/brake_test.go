package registrar

import (
	"fmt"
	"testing"
	"time"
)

type clock struct {
	now  time.Time
	told int
}

func (c *clock) Now() time.Time { return c.now }

func newBrake() (*Brake, *clock) {
	c := &clock{now: time.Unix(1_800_000_000, 0)}
	return &Brake{now: c.Now, changed: func() { c.told++ }}, c
}

func owner(n int) Owner { return Owner{Namespace: "ns", Name: fmt.Sprint(n)} }

// allowed counts how many of the owners may pass now.
func allowed(b *Brake, n, registered int, confirmation string) int {
	count := 0
	for i := range n {
		if ok, _ := b.Allow(owner(i), "uid", registered, confirmation); ok {
			count++
		}
	}
	return count
}

func TestBrakeWantsAMinimumAge(t *testing.T) {
	b, c := newBrake()
	if ok, again := b.Allow(owner(1), "uid", 100, ""); ok || again != brakeMinAge {
		t.Errorf("ok=%v again=%v", ok, again)
	}
	c.now = c.now.Add(brakeMinAge)
	if ok, _ := b.Allow(owner(1), "uid", 100, ""); !ok {
		t.Error("not allowed at the minimum age")
	}
	// Another incarnation begins anew.
	if ok, _ := b.Allow(owner(1), "another", 100, ""); ok {
		t.Error("another incarnation passed at once")
	}
}

func TestBrakeHoldsMassDeletionBack(t *testing.T) {
	for _, tc := range []struct{ gone, registered, pass int }{
		{20, 50, 20}, {21, 50, 0}, {200, 2000, 200}, {201, 2000, 0}, {2000, 2000, 0},
	} {
		b, c := newBrake()
		allowed(b, tc.gone, tc.registered, "")
		c.now = c.now.Add(brakeMinAge)
		if got := allowed(b, tc.gone, tc.registered, ""); got != tc.pass {
			t.Errorf("%d of %d gone: %d pass, want %d", tc.gone, tc.registered, got, tc.pass)
		}
		if paused := b.State().Paused; paused != (tc.pass == 0) {
			t.Errorf("%d of %d gone: paused=%v", tc.gone, tc.registered, paused)
		}
	}
}

func TestBrakeStaysOnAsTimePasses(t *testing.T) {
	b, c := newBrake()
	for range 100 {
		if got := allowed(b, 30, 100, ""); got != 0 {
			t.Fatalf("%d passed", got)
		}
		c.now = c.now.Add(time.Hour)
	}
}

func TestBrakeConfirmationIsForThoseWaitingOnly(t *testing.T) {
	b, c := newBrake()
	allowed(b, 30, 100, "")
	c.now = c.now.Add(brakeMinAge)
	confirm := b.State().Confirm
	if got := allowed(b, 30, 100, "30"); got != 0 {
		t.Errorf("%d passed by a wrong word", got)
	}
	if got := allowed(b, 30, 100, confirm); got != 30 {
		t.Errorf("%d passed, want 30", got)
	}
	for i := range 30 {
		b.Release(owner(i))
	}
	for i := range 60 {
		b.Allow(owner(100+i), "uid", 100, confirm)
	}
	c.now = c.now.Add(brakeMinAge)
	for i := range 60 {
		if ok, _ := b.Allow(owner(100+i), "uid", 100, confirm); ok {
			t.Fatal("an old confirmation let new ones pass")
		}
	}
	if s := b.State(); s.Waiting != 60 || !s.Paused {
		t.Errorf("%+v", s)
	}
}

func TestBrakeLimitsEachMinute(t *testing.T) {
	b, c := newBrake()
	passed := 0
	// One a second for two minutes, of few clients.
	for i := range 120 {
		b.Allow(owner(i), "uid", 100, "")
		c.now = c.now.Add(time.Second)
		for j := range i {
			if ok, _ := b.Allow(owner(j), "uid", 100, ""); ok {
				b.Release(owner(j))
				passed++
			}
		}
		if passed > brakeFloor && i < 60 {
			t.Fatalf("%d passed in the first minute", passed)
		}
	}
}

func TestBrakeForgetsWhoIsBack(t *testing.T) {
	b, c := newBrake()
	allowed(b, 25, 100, "")
	for i := range 10 {
		b.Release(owner(i))
	}
	c.now = c.now.Add(brakeMinAge)
	if s := b.State(); s.Paused || s.Waiting != 15 {
		t.Errorf("%+v", s)
	}
	if got := len(b.Waiting()); got != 15 {
		t.Errorf("%d waiting", got)
	}
}

func TestBrakeTellsItsStateAndNotTooOften(t *testing.T) {
	b, c := newBrake()
	allowed(b, 20, 100, "")
	if c.told != 0 {
		t.Errorf("told %d times of nothing", c.told)
	}
	allowed(b, 500, 100, "")
	if c.told != 1 {
		t.Errorf("told %d times within a moment, want once", c.told)
	}
	c.now = c.now.Add(brakeMinAge)
	allowed(b, 500, 100, "")
	if c.told != 2 || b.told.Confirm != b.State().Confirm {
		t.Errorf("told %d times; the value to confirm that was told is old", c.told)
	}
	for i := range 500 {
		b.Release(owner(i))
	}
	if c.told < 3 || b.told.Paused {
		t.Error("that it is over was not told")
	}
}
