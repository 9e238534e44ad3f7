package signin

import (
	"errors"
	"sync/atomic"

	"clientele.dev/clientele/authserver/oauth"
)

// ErrNotKnown: nobody has told yet who the people are. Whether somebody is one of
// them is a question without an answer then, and never answered with no.
var ErrNotKnown = errors.New("who may sign in is not known yet")

// Local are the local users of the moment. Set replaces them while requests run.
// Of the zero value it is not known who they are: a document may be named that was
// not read yet. That there are none has to be said too, by Set(nil).
type Local struct {
	directory atomic.Pointer[Directory] // nil: not known
	endings   endings
}

// Set replaces the users; nil: there are none. A document that cannot be parsed is
// not set: those of before stay, and the caller says so in a condition or a log.
func (l *Local) Set(d *Directory) {
	if d == nil {
		d = &Directory{}
	}
	before := l.directory.Swap(d)
	l.endings.add(before, d)
}

// Forget makes it unknown again who they are: a document was named where there was
// none, and cannot be read. Whoever was known is not to be forgotten for that.
func (l *Local) Forget() { l.directory.Store(nil) }

// Known tells whether it is known who they are.
func (l *Local) Known() bool { return l.directory.Load() != nil }

// Len is the number of users, disabled ones included.
func (l *Local) Len() int { return l.directory.Load().Len() }

// User returns the local user with a `sub` as the document has them now; false:
// there is none, or they are disabled. The error, temporarily_unavailable with
// ErrNotKnown, says that nobody can tell.
func (l *Local) User(subject string) (User, bool, error) {
	d := l.directory.Load()
	if d == nil {
		return User{}, false, notKnown()
	}
	e := d.entry(subject)
	if e == nil || e.disabled {
		return User{}, false, nil
	}
	return e.user, true, nil
}

// Named returns the `sub` of the local user of that name, disabled or not; false:
// there is none. The error is as of User.
func (l *Local) Named(username string) (string, bool, error) {
	d := l.directory.Load()
	if d == nil {
		return "", false, oauth.TemporarilyUnavailable("who the users are is not known yet; try again in a moment").WithCause(ErrNotKnown)
	}
	e, _ := d.find(username)
	if e == nil {
		return "", false, nil
	}
	return e.user.Subject, true, nil
}

// notKnown is what a client is told.
func notKnown() error {
	return oauth.TemporarilyUnavailable("this replica does not know yet who may sign in").WithCause(ErrNotKnown)
}

// verify checks a password. It does the same work whether the user is unknown,
// disabled, or the password wrong (A12).
func (l *Local) verify(username, password string) (User, bool) {
	e, hash := l.directory.Load().find(username)
	matches := hash.matches(password)
	if e == nil || e.disabled || !matches {
		return User{}, false
	}
	return e.user, true
}
