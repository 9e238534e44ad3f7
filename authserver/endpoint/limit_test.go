package endpoint

import (
	"fmt"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	var l limits
	now := time.Unix(1_900_000_000, 0)
	for i := range 3 {
		if wait := l.take("a", 3, now); wait != 0 {
			t.Fatalf("%d: wait %v", i, wait)
		}
	}
	if wait := l.take("a", 3, now); wait != 20*time.Second {
		t.Errorf("empty: wait %v", wait)
	}
	if l.take("b", 3, now) != 0 {
		t.Error("a neighbour has to wait")
	}
	if l.take("a", 3, now.Add(-time.Hour)) == 0 { // F30
		t.Error("a clock that jumped back fills the bucket")
	}
	if l.take("a", 3, now.Add(20*time.Second)) != 0 || l.take("a", 3, now.Add(20*time.Second)) == 0 {
		t.Error("after a third of a minute there is one more, not two")
	}
}

func TestA10LimitsRememberABoundedNumber(t *testing.T) {
	var l limits
	now := time.Unix(1_900_000_000, 0)
	for range 5 {
		l.take(everybody, 5, now)
	}
	for i := range 3 * maxBuckets {
		l.take(fmt.Sprint(i), 10, now)
	}
	if len(l.buckets) > maxBuckets+1 {
		t.Errorf("%d buckets", len(l.buckets))
	}
	if l.take(everybody, 5, now) == 0 {
		t.Error("a flood from many addresses emptied what all share")
	}
}
