package keys

import (
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

// MaxKeys bounds the keys of a set. A scheduled rotation waits while it would
// leave less than two places; those are for RotateNow.
const MaxKeys = 32

// Schedule is how keys are to be rotated.
type Schedule struct {
	// Algorithms that must have an Active key and a Published standby. Keys of
	// others retire once each of these has an Active one.
	Algorithms []string
	// RotateEvery is how long a key signs before its standby takes over.
	RotateEvery time.Duration
	// JWKSMaxAge is how long verifiers may cache the JWK Set.
	JWKSMaxAge time.Duration
	// MaxTokenLifetime is that of the longest-lived token signed now.
	MaxTokenLifetime time.Duration
	// Skew is how much longer a verifier may take a token for valid.
	Skew time.Duration
	// RotateNow rotates every algorithm's key as soon as each standby has been
	// observed long enough. Ask until Plan returns an EventActivated.
	RotateNow bool
	// Generate makes keys: keys.Generate but in tests.
	Generate func(alg string, now time.Time) (Key, error)
}

// Observation is what is known of the server's replicas.
type Observation struct {
	// Known is false where the server could not be asked: then nothing is
	// promoted or removed.
	Known bool
	// Replicas that are live, as GET /registrar/v1/replicas lists them.
	Replicas []oauth.Replica
}

// EventType is what happened to a key.
type EventType string

// What can happen to a key.
const (
	// EventPublished: a new key was made and Published.
	EventPublished EventType = "Published"
	// EventObserved: every live replica serves the key in its phase.
	EventObserved EventType = "Observed"
	// EventActivated: the key signs from now on.
	EventActivated EventType = "Activated"
	// EventRetired: the key signs no more.
	EventRetired EventType = "Retired"
	// EventRemoved: the key is gone and dead.
	EventRemoved EventType = "Removed"
	// EventAdjusted: a time or lifetime noted on the key was put right. Replicas
	// need not know.
	EventAdjusted EventType = "Adjusted"
)

// Event is one change of Plan.
type Event struct {
	Type      EventType
	KID       string
	Algorithm string
}

func (c Schedule) validate() error {
	if len(c.Algorithms) == 0 {
		return errors.New("no algorithm, want at least one")
	}
	for _, alg := range c.Algorithms {
		if alg != ES256 && alg != RS256 {
			return fmt.Errorf("unknown algorithm %q, want %s or %s", alg, ES256, RS256)
		}
	}
	if c.RotateEvery <= 0 || c.MaxTokenLifetime <= 0 {
		return fmt.Errorf("rotateEvery %s and token lifetime %s, want both greater than zero", c.RotateEvery, c.MaxTokenLifetime)
	}
	if c.JWKSMaxAge < 0 || c.Skew < 0 {
		return fmt.Errorf("jwksMaxAge %s and skew %s, want neither negative", c.JWKSMaxAge, c.Skew)
	}
	if c.Generate == nil {
		return errors.New("no function to make keys with")
	}
	return nil
}
