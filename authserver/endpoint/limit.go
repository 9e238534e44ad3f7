package endpoint

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

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
	buckets map[string]*rate.Limiter
}

// take takes one out of the bucket of a name and says how long to wait if it is
// empty; 0: one was there.
func (l *limits) take(name string, perMinute int, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[name]
	if b == nil {
		l.makeRoom(now)
		b = rate.NewLimiter(0, perMinute)
		l.buckets[name] = b
	}
	each := time.Minute / time.Duration(perMinute)
	if limit := rate.Every(each); b.Limit() != limit { // the settings may have changed
		b.SetLimitAt(now, limit)
		b.SetBurstAt(now, perMinute)
	}
	// No reservation: with a clock that jumped back it would fill the bucket later.
	if b.AllowN(now, 1) {
		return 0
	}
	return time.Duration((1 - b.TokensAt(now)) * float64(each))
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
		l.buckets = map[string]*rate.Limiter{}
	}
	if len(l.buckets) < maxBuckets {
		return
	}
	for name, b := range l.buckets {
		if name != everybody && b.TokensAt(now) >= float64(b.Burst()) {
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
