package endpoint

import (
	"sync"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// maxBuckets bounds what a flood from many addresses makes us remember.
const maxBuckets = 16 << 10

// everybody is the name of the bucket that all share.
const everybody = ""

// limits are token buckets by name: each holds as many as may come in a minute,
// and fills up again evenly. The zero value is ready.
type limits struct {
	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	left   float64
	filled time.Time
}

// take takes one out of the bucket of a name and says how long to wait if it is
// empty; 0: one was there.
func (l *limits) take(name string, perMinute int, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[name]
	if !known {
		l.makeRoom(now)
		b = bucket{left: float64(perMinute), filled: now}
	}
	each := time.Minute / time.Duration(perMinute)
	// A clock that jumped back fills nothing.
	if since := now.Sub(b.filled); since > 0 {
		b.left = min(float64(perMinute), b.left+float64(since)/float64(each))
		b.filled = now
	}
	wait := time.Duration(0)
	if b.left >= 1 {
		b.left--
	} else {
		wait = time.Duration((1 - b.left) * float64(each))
	}
	l.buckets[name] = b
	return wait
}

// takeBoth takes one out of the bucket of a name, and one out of that which all
// share, and says how long to wait.
func (l *limits) takeBoth(name string, perMinute, together int, now time.Time) time.Duration {
	if wait := l.take(name, perMinute, now); wait > 0 {
		return wait
	}
	return l.take(everybody, together, now)
}

// makeRoom forgets buckets that are full again, or if that is nothing, all: the
// bucket that everybody shares holds the flood back then.
func (l *limits) makeRoom(now time.Time) {
	if l.buckets == nil {
		l.buckets = map[string]bucket{}
	}
	if len(l.buckets) < maxBuckets {
		return
	}
	for name, b := range l.buckets {
		if name != everybody && now.Sub(b.filled) >= time.Minute {
			delete(l.buckets, name)
		}
	}
	if len(l.buckets) < maxBuckets {
		return
	}
	shared, ok := l.buckets[everybody]
	clear(l.buckets)
	if ok {
		l.buckets[everybody] = shared
	}
}

// limitedError is the cause of oauth.TooManyRequests.
type limitedError struct{ wait time.Duration }

func (e *limitedError) Error() string { return "limited for " + e.wait.String() }

func limited(wait time.Duration, desc string) error {
	return oauth.TooManyRequests("%s", desc).WithCause(&limitedError{max(wait, time.Second)})
}
