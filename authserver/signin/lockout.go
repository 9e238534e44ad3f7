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
	// people meet; nobody else's sign-in is touched by it. It is also for one
	// browser in which that user signed in before (device), for which no other limit
	// counts: who uses up the guesses of a user name, from many addresses, locks its
	// owner out of new browsers only.
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
// however many replicas, no more than the limit are looked at (A17). A guess
// beyond a limit writes nothing: what anybody may send without end must not
// fill the store, nor wait in line with the writes of others.
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
func (l Lockout) count(ctx context.Context, g Credentials, now time.Time) (bool, error) {
	limits := l.limits()
	counters := countersOf(limits, g, now)
	for _, c := range counters {
		if full, err := l.full(ctx, c, now); err != nil || full {
			return false, err
		}
	}
	for _, c := range counters {
		// Whoever is locked out here, by guesses that came at the same time, uses
		// up nothing of the counters behind.
		if ok, err := l.countOne(ctx, c, limits.Window, now); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// full tells whether a counter lets no further guess through.
func (l Lockout) full(ctx context.Context, c counter, now time.Time) (bool, error) {
	n, err := l.Attempts.Attempts(ctx, c.key, now)
	if err != nil {
		return false, fmt.Errorf("reading the count of sign-ins: %w", err)
	}
	ok, err := l.within(ctx, c, n+1, now)
	return !ok, err
}

func (l Lockout) countOne(ctx context.Context, c counter, window time.Duration, now time.Time) (bool, error) {
	n, err := l.Attempts.CountAttempt(ctx, c.key, now, window)
	if err != nil {
		return false, fmt.Errorf("counting a sign-in: %w", err)
	}
	return l.within(ctx, c, n, now)
}

// within tells whether the nth guess is within the limit. What successes took is
// given back, one each; clearing a large counter instead would let whoever has
// one account guess at others for ever.
func (l Lockout) within(ctx context.Context, c counter, n int, now time.Time) (bool, error) {
	if n <= c.limit || c.refunds == "" {
		return n <= c.limit, nil
	}
	back, err := l.Attempts.Attempts(ctx, c.refunds, now)
	if err != nil {
		return false, fmt.Errorf("reading the count of sign-ins: %w", err)
	}
	return n-back <= c.limit, nil
}

// succeeded forgets the guesses of the pair, or the device, and gives this one back to the large
// counters.
func (l Lockout) succeeded(ctx context.Context, g Credentials, now time.Time) error {
	limits := l.limits()
	for _, c := range countersOf(limits, g, now) {
		var err error
		if c.refunds == "" {
			err = l.Attempts.ClearAttempts(ctx, c.key)
		} else {
			_, err = l.Attempts.CountAttempt(ctx, c.refunds, now, limits.Window)
		}
		if err != nil {
			return fmt.Errorf("clearing the count of sign-ins: %w", err)
		}
	}
	return nil
}

// counter is a counter of guesses. Those of a large one have beside them that of
// the successes among them, and both keys carry the number of the window, so that
// they start again together; the others are cleared by a success.
type counter struct {
	key, refunds string
	limit        int
}

// countersOf are those of a guess, the address first: whoever tries many names
// makes new counters of names no longer than that one allows.
func countersOf(limits Limits, g Credentials, now time.Time) []counter {
	if g.Device != "" {
		return []counter{{key: counterKey("sign-in device", g.Device), limit: limits.PerPair}}
	}
	window := strconv.FormatInt(now.Unix()/max(1, int64(limits.Window/time.Second)), 10)
	large := func(kind, value string, limit int) counter {
		return counter{counterKey(kind, value, window), counterKey(kind+" refunds", value, window), limit}
	}
	name, network := store.FoldUsername(g.Username), peer.Network(g.Address)
	return []counter{
		large("sign-in address", network, limits.PerAddress),
		{key: counterKey("sign-in pair", name, network), limit: limits.PerPair},
		large("sign-in username", name, limits.PerUsername),
	}
}

// counterKey hashes what a counter is for: the database tells no user names.
func counterKey(parts ...string) string {
	return credential.Hash(fmt.Sprintf("%q", parts))
}
