// Package audit is the log of what somebody may have to answer for: which
// client was registered, changed or removed by whom, and who was refused.
//
// Events have names, and each name lists the parameters that may be logged with
// it (log by permission): anything else is dropped, so that a new parameter is
// not logged because nobody thought of it. Issued tokens are not logged.
package audit

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// Name of an audit event: the value of the log attribute "event".
type Name string

// The events.
const (
	// ClientRegistered: a client was created or replaced by another incarnation.
	ClientRegistered Name = "client.registered"
	// ClientUpdated: a client's metadata or secrets changed.
	ClientUpdated Name = "client.updated"
	// ClientDeleted: a client was removed.
	ClientDeleted Name = "client.deleted"
	// ClientExpired: a client that registered itself was removed, for nobody used it.
	ClientExpired Name = "client.expired"
	// TokenRevoked: a token was revoked at the revocation endpoint.
	TokenRevoked Name = "token.revoked"
	// SignedIn: a person signed in; SignInRefused: somebody did not. What was typed
	// as a user name is not told: people type passwords there.
	SignedIn      Name = "user.signed_in"
	SignInRefused Name = "user.sign_in_refused"
	// UserNotAllowed: a person who is signed in may not use an app. No group and no role
	// is logged.
	UserNotAllowed Name = "user.not_allowed"
	// SessionEnded: a person signed a browser out, this one or another of theirs.
	SessionEnded Name = "user.session_ended"
	// ConsentGiven: a person allowed an app what it asked for; ConsentDenied: they
	// did not; ConsentWithdrawn: they took back what they had allowed it.
	ConsentGiven     Name = "consent.given"
	ConsentDenied    Name = "consent.denied"
	ConsentWithdrawn Name = "consent.withdrawn"
	// AccessEnded: a person lost their sessions and what apps may do for them, since
	// the users document or a registrar says so.
	AccessEnded Name = "user.access_ended"
	// TokenReused: a code or a refresh token came a second time, and what was made
	// from it is revoked.
	TokenReused Name = "token.reused"
	// TokenRetried: a refresh token came again within the retry window, and got the current
	// one.
	TokenRetried Name = "token.retried"
	// TokenAhead: a refresh token came that is newer than what the store knows of
	// its family: the store was set back. The family is revoked.
	TokenAhead Name = "token.ahead"
	// PolicyStored and PolicyDeleted: a scope policy changed.
	PolicyStored  Name = "policy.stored"
	PolicyDeleted Name = "policy.deleted"
	// RegistrarRefused: somebody without the right called the registration or
	// the registrar endpoints.
	RegistrarRefused Name = "registrar.refused"
	// RegistrationRefused: the request of a registrar, or of an app that registers
	// itself, was refused.
	RegistrationRefused Name = "registration.refused"
	// AuthenticationRefused: a client could not authenticate.
	AuthenticationRefused Name = "client.authentication_refused"
	// StoreBound: the server works with a store; wiped tells that its earlier
	// content was made with other server keys and is gone.
	StoreBound Name = "store.bound"
)

// loggable returns the parameters that may be logged with an event.
func loggable(n Name) []string {
	switch n {
	case ClientRegistered, ClientUpdated, ClientDeleted:
		return []string{"client_id", "owner_namespace", "owner_name", "owner_uid", "caller", "revision", "remote"}
	case ClientExpired:
		return []string{"client_id"}
	case TokenRevoked:
		return []string{"client_id", "kind", "remote"}
	case SignedIn:
		return []string{"subject", "source", "remote"}
	case AccessEnded:
		return []string{"subject", "cause", "sessions", "families", "caller", "remote"}
	case SessionEnded:
		return []string{"subject", "remote"}
	case ConsentGiven, ConsentDenied, ConsentWithdrawn:
		return []string{"client_id", "subject", "remote"}
	case UserNotAllowed:
		return []string{"client_id", "subject", "reason", "remote"}
	case SignInRefused, TokenReused, TokenRetried, TokenAhead:
		return []string{"client_id", "remote"}
	case PolicyStored, PolicyDeleted:
		return []string{"uid", "resource", "caller", "revision"}
	case RegistrarRefused:
		return []string{"route", "code", "caller", "cause", "remote"}
	case RegistrationRefused:
		return []string{"route", "code", "client_id", "caller", "cause", "remote"}
	case AuthenticationRefused:
		return []string{"client_id", "method", "cause", "remote"}
	case StoreBound:
		return []string{"store_id", "wiped"}
	}
	return nil
}

// bounded says which events anybody can cause at will; these are rate-limited. Those
// that change what somebody may do never are.
func bounded(n Name) bool {
	switch n {
	case RegistrarRefused, RegistrationRefused, AuthenticationRefused, SignInRefused, UserNotAllowed, TokenReused, TokenRetried, TokenAhead, ConsentDenied:
		return true
	}
	return false
}

// Log writes audit events. Its methods may be called concurrently.
type Log struct {
	log   *slog.Logger
	now   func() time.Time
	limit limiter
}

// New makes a Log that writes to log.
func New(log *slog.Logger, now func() time.Time) *Log {
	return &Log{log: log, now: now, limit: limiter{buckets: map[Name]*bucket{}}}
}

// Write logs an event with those of the attributes that are loggable with it. Of
// events that anybody can cause at most a few a second are written; how many
// were not is told by the next one.
func (l *Log) Write(ctx context.Context, name Name, attrs ...slog.Attr) {
	kept := make([]slog.Attr, 0, len(attrs)+3)
	kept = append(kept, slog.String("event", string(name)))
	if bounded(name) {
		ok, suppressed := l.limit.take(name, l.now())
		if !ok {
			return
		}
		if suppressed > 0 {
			kept = append(kept, slog.Int64("suppressed", suppressed))
		}
	}
	permitted := loggable(name)
	for _, a := range attrs {
		if slices.Contains(permitted, a.Key) {
			kept = append(kept, a)
		}
	}
	l.log.LogAttrs(ctx, slog.LevelInfo, "audit", kept...)
}
