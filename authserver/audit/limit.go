package audit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A burst of refusals is written in full, a flood at so many a second.
const (
	burst     = 20
	perSecond = 5
)

// limiter is a token bucket per event name. Its lock is on refusals only, never
// on the path of a request that succeeds.
type limiter struct {
	mu      sync.Mutex
	buckets map[Name]*bucket
}

type bucket struct {
	*rate.Limiter
	suppressed int64
}

// take says whether an event may be written now, and how many were not since
// the last one that was.
func (l *limiter) take(name Name, now time.Time) (ok bool, suppressed int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[name]
	if b == nil {
		b = &bucket{Limiter: rate.NewLimiter(perSecond, burst)}
		l.buckets[name] = b
	}
	if !b.AllowN(now, 1) {
		b.suppressed++
		return false, 0
	}
	suppressed, b.suppressed = b.suppressed, 0
	return true, suppressed
}
