package signin

import (
	"fmt"
	"time"
)

const (
	claimAuthTime = "auth_time"
	// authTimeLeeway is how far a provider's clock may be behind ours.
	authTimeLeeway = time.Minute
)

// authTime is when the person authenticated, by the ID token (OpenID Connect
// Core, Section 2), and not when they came back to us: at a provider where they
// are signed in already the two may lie hours apart. Zero: the provider does not
// say, and nobody knows. Some say 0 then.
//
// Where a new sign-in was asked for, one from before is ErrUpstreamDenied. A
// provider that does not say when is believed then: one that cannot do as it was
// asked must answer with an error (Section 3.1.2.1).
func (p *upstream) authTime(claims claimSet, f flow, now time.Time) (time.Time, error) {
	seconds, ok := claims[claimAuthTime].(float64)
	if _, said := claims[claimAuthTime]; said && (!ok || seconds < 0) {
		return time.Time{}, fmt.Errorf("%w: ID token of %s: its auth_time is no number of seconds", ErrUpstreamFailed, p.Issuer)
	}
	switch {
	case seconds == 0 && f.Fresh, seconds >= float64(now.Unix()):
		return now, nil
	case seconds == 0:
		return time.Time{}, nil
	}
	at := time.Unix(int64(seconds), 0).UTC()
	begun := f.begun()
	if !f.Fresh || !at.Before(begun) {
		return at, nil
	}
	if at.Before(begun.Add(-authTimeLeeway)) {
		return time.Time{}, fmt.Errorf("%w: %s was asked to authenticate the person anew, and says that it did %s before",
			ErrUpstreamDenied, p.Issuer, begun.Sub(at))
	}
	return begun, nil // its clock is a little behind
}
