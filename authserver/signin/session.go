package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

// ErrNoSession: no cookie, or its session is unknown, ended or expired, or the
// person may not sign in any more.
var ErrNoSession = errors.New("not signed in")

// Sessions are the people signed in at browsers. They live at the server, so
// that ending one takes effect at once.
type Sessions struct {
	Store  store.Sessions
	Roster Roster
	// Lifetime of a session however much it is used (0: 12 hours). Of one that has
	// begun it can only become shorter.
	Lifetime time.Duration
	// Idle ends a session that was not used for so long (0: no such limit).
	Idle time.Duration
}

// Browser is what the account page says of where a session is.
type Browser struct{ UserAgent, Address string }

const (
	defaultLifetime = 12 * time.Hour
	maxUserAgent    = 256 // bytes
	maxAddress      = 64
)

// Start begins a session and returns the value of its cookie, a new one at every
// sign-in: whoever planted a cookie in the browser before gains nothing (A20).
// previous is the session cookie that the browser had, or ""; its session ends.
//
// Who was disabled, or got another password, since they proved who they are is
// ErrRefused: that is looked at once it is known how often they were signed out, so that
// who is disabled after the look is signed out after it, and this session with them.
func (s Sessions) Start(ctx context.Context, u User, b Browser, previous credential.Secret, now time.Time) (credential.Secret, store.Session, error) {
	if _, err := s.End(ctx, previous, now); err != nil && !errors.Is(err, ErrNoSession) {
		return "", store.Session{}, err
	}
	signOuts, err := s.Store.SignOuts(ctx, u.Subject)
	if err != nil {
		return "", store.Session{}, fmt.Errorf("starting a session: %w", err)
	}
	welcome, err := s.Roster.Welcome(u.Subject, u.Source)
	if err == nil && !welcome {
		err = ErrRefused
	}
	if err != nil {
		return "", store.Session{}, err
	}
	now = now.UTC().Truncate(time.Second)
	value := credential.NewSessionCookie()
	session := store.Session{
		ID: credential.NewID(), Hash: credential.Hash(value.Reveal()),
		Subject: u.Subject, Source: u.Source,
		Username: u.Username, Name: u.Name, Email: u.Email, EmailVerified: u.EmailVerified,
		Roles: u.Roles, Groups: u.Groups, Tenant: u.Tenant,
		UserAgent: clip(b.UserAgent, maxUserAgent), Address: clip(b.Address, maxAddress),
		AuthTime: u.AuthTime.UTC().Truncate(time.Second), Created: now, Seen: now.Truncate(time.Minute), Expires: now.Add(s.lifetime()),
		SignOuts: signOuts,
	}
	if err := s.Store.PutSession(ctx, session); err != nil {
		return "", store.Session{}, fmt.Errorf("starting a session: %w", err)
	}
	return value, session, nil
}

// over says that the session was not used for too long, or that Lifetime became
// shorter since it began.
func (s Sessions) over(session store.Session, now time.Time) bool {
	idle := s.Idle > 0 && !now.Before(session.Seen.Add(s.Idle))
	return idle || !now.Before(session.Created.Add(s.lifetime()))
}

func (s Sessions) lifetime() time.Duration {
	if s.Lifetime <= 0 {
		return defaultLifetime
	}
	return s.Lifetime
}

// CookieLifetime is how long a browser is to keep the cookie of a session that starts
// now; 0: until it is closed, which is right on a computer that somebody else uses next.
// Whoever has sessions last longer than they do by default wants people to stay signed
// in beyond that.
func (s Sessions) CookieLifetime() time.Duration {
	if s.lifetime() <= defaultLifetime {
		return 0
	}
	return s.lifetime()
}

// Load returns the session of a cookie value, with what is known of the person
// now, and notes that it was used, at most once a minute. One that is over it ends:
// settings that allow longer do not bring back what was refused. ErrNoSession, or an
// error of the store or the Roster: an outage is not "signed out".
func (s Sessions) Load(ctx context.Context, value credential.Secret, now time.Time) (store.Session, error) {
	session, err := s.stored(ctx, value, now)
	if err != nil {
		return store.Session{}, err
	}
	if s.over(session, now) {
		return store.Session{}, cmp.Or(s.end(ctx, session), ErrNoSession)
	}
	current, welcome, err := s.Roster.Current(session)
	if err != nil {
		return store.Session{}, err
	}
	if !welcome {
		return store.Session{}, ErrNoSession
	}
	if minute := now.UTC().Truncate(time.Minute); minute.After(session.Seen) {
		if err := s.Store.TouchSession(ctx, session.ID, minute); err != nil {
			return store.Session{}, fmt.Errorf("noting the use of a session: %w", err)
		}
		current.Seen = minute
	}
	return current, nil
}

// End ends the session of a cookie value, of whomever, and returns it as it was
// stored: ErrNoSession if there is none (any more), or an error of the store. The
// Roster is not asked: a session that is of no use can be ended too.
func (s Sessions) End(ctx context.Context, value credential.Secret, now time.Time) (store.Session, error) {
	session, err := s.stored(ctx, value, now)
	if err != nil {
		return store.Session{}, err
	}
	if err := s.end(ctx, session); err != nil {
		return store.Session{}, err
	}
	return session, nil
}

// end removes a session: ErrNoSession if somebody else did meanwhile.
func (s Sessions) end(ctx context.Context, session store.Session) error {
	err := s.Store.EndSession(ctx, session.Subject, session.ID)
	if errors.Is(err, store.ErrNotFound) {
		return ErrNoSession
	}
	if err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

func (s Sessions) stored(ctx context.Context, value credential.Secret, now time.Time) (store.Session, error) {
	text := value.Reveal()
	if !credential.ValidFormat(text, credential.PrefixSession) { // made up: costs no read
		return store.Session{}, ErrNoSession
	}
	session, err := s.Store.Session(ctx, credential.Hash(text), now)
	if errors.Is(err, store.ErrNotFound) {
		return store.Session{}, ErrNoSession
	}
	if err != nil {
		return store.Session{}, fmt.Errorf("reading a session: %w", err)
	}
	return session, nil
}

// clip keeps the printable ASCII of s, up to limit bytes: it comes from a header
// that says what it likes.
func clip(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), limit)]
}
