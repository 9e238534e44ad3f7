package signin

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/peer"
	"clientele.dev/clientele/authserver/store"
)

// Limits are how many wrong guesses one window allows. Zero members mean the
// default in brackets.
type Limits struct {
	// PerPair (10) is for one user name from one address. It is the limit that
	// people meet; nobody else's sign-in is touched by it.
	PerPair int
	// PerUsername (100) is for one user name from everywhere, against guesses
	// spread over many addresses; PerAddress (100) for all user names from one
	// address, against one password tried on many names. They are large, so that
	// neither somebody else's guesses nor a neighbour behind the same address
	// lock a person out.
	PerUsername, PerAddress int
	// Window (15 minutes).
	Window time.Duration
}

func (l Limits) withDefaults() Limits {
	set := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	set(&l.PerPair, 10)
	set(&l.PerUsername, 100)
	set(&l.PerAddress, 100)
	if l.Window <= 0 {
		l.Window = 15 * time.Minute
	}
	return l
}

// Lockout counts guesses. Every guess is counted before its password is looked
// at, by an atomic counter of the store: however many come in parallel, and at
// however many replicas, no more than the limit are looked at (A17).
type Lockout struct {
	Attempts store.Attempts
	// Limits returns those in force. Nil: the defaults.
	Limits func() Limits
}

func (l Lockout) limits() Limits {
	if l.Limits == nil {
		return Limits{}.withDefaults()
	}
	return l.Limits().withDefaults()
}

// count counts a guess and tells whether it may be looked at.
func (l Lockout) count(ctx context.Context, username, address string, now time.Time) (bool, error) {
	limits := l.limits()
	pair, err := l.Attempts.CountAttempt(ctx, pairKey(username, address), now, limits.Window)
	if err != nil {
		return false, fmt.Errorf("counting a sign-in: %w", err)
	}
	if pair > limits.PerPair {
		// Not counted further: whoever is locked out here uses up nobody else's.
		return false, nil
	}
	wide, err := l.countWide(ctx, limits, username, address, now)
	if err != nil {
		return false, fmt.Errorf("counting a sign-in: %w", err)
	}
	return wide, nil
}

// countWide counts in both large counters. What successes took from them is
// given back by succeeded, one each; clearing them instead would let whoever has
// one account guess at others for ever.
func (l Lockout) countWide(ctx context.Context, limits Limits, username, address string, now time.Time) (bool, error) {
	ok := true
	for _, wide := range wideCounters(limits, username, address, now) {
		n, err := l.Attempts.CountAttempt(ctx, wide.key, now, limits.Window)
		if err != nil {
			return false, err
		}
		if n <= wide.limit {
			continue
		}
		back, err := l.Attempts.Attempts(ctx, wide.refunds, now)
		if err != nil {
			return false, err
		}
		ok = ok && n-back <= wide.limit
	}
	return ok, nil
}

// succeeded forgets the guesses of the pair and gives this one back to the large
// counters.
func (l Lockout) succeeded(ctx context.Context, username, address string, now time.Time) error {
	limits := l.limits()
	if err := l.Attempts.ClearAttempts(ctx, pairKey(username, address)); err != nil {
		return fmt.Errorf("clearing the count of sign-ins: %w", err)
	}
	for _, wide := range wideCounters(limits, username, address, now) {
		if _, err := l.Attempts.CountAttempt(ctx, wide.refunds, now, limits.Window); err != nil {
			return fmt.Errorf("clearing the count of sign-ins: %w", err)
		}
	}
	return nil
}

// wideCounter is a counter of guesses with that of the successes among them.
// Both keys carry the number of the window, so that they start again together.
type wideCounter struct {
	key, refunds string
	limit        int
}

func wideCounters(limits Limits, username, address string, now time.Time) [2]wideCounter {
	window := strconv.FormatInt(now.Unix()/max(1, int64(limits.Window/time.Second)), 10)
	counter := func(kind, value string, limit int) wideCounter {
		return wideCounter{counterKey(kind, value, window), counterKey(kind+" refunds", value, window), limit}
	}
	return [2]wideCounter{
		counter("sign-in username", foldUsername(username), limits.PerUsername),
		counter("sign-in address", peer.Network(address), limits.PerAddress),
	}
}

func pairKey(username, address string) string {
	return counterKey("sign-in pair", foldUsername(username), peer.Network(address))
}

// counterKey hashes what a counter is for: the database tells no user names.
func counterKey(parts ...string) string {
	return credential.Hash(fmt.Sprintf("%q", parts))
}
