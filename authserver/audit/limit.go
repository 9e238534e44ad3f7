package audit

import (
	"sync"
	"time"
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
	tokens     float64
	filled     time.Time
	suppressed int64
}

// take says whether an event may be written now, and how many were not since
// the last one that was.
func (l *limiter) take(name Name, now time.Time) (ok bool, suppressed int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[name]
	if b == nil {
		b = &bucket{tokens: burst, filled: now}
		l.buckets[name] = b
	}
	// A clock that jumps back must not take tokens away.
	if elapsed := now.Sub(b.filled); elapsed > 0 {
		b.tokens = min(burst, b.tokens+elapsed.Seconds()*perSecond)
	}
	b.filled = now
	if b.tokens < 1 {
		b.suppressed++
		return false, 0
	}
	b.tokens--
	suppressed, b.suppressed = b.suppressed, 0
	return true, suppressed
}
