package signin

import "sync/atomic"

// Local are the local users of the moment. Set replaces them while requests run.
// The zero value has none.
type Local struct {
	directory atomic.Pointer[Directory]
}

// Set replaces the users; nil removes all. A document that cannot be parsed is
// not set: those of before stay, and the caller says so in a condition or a log.
func (l *Local) Set(d *Directory) { l.directory.Store(d) }

// Len is the number of users, disabled ones included.
func (l *Local) Len() int { return l.directory.Load().Len() }

// User returns the local user with a `sub` as the document has them now; false:
// there is none, or they are disabled.
func (l *Local) User(subject string) (User, bool) {
	d := l.directory.Load()
	if d == nil {
		return User{}, false
	}
	e := d.bySubject[subject]
	if e == nil || e.disabled {
		return User{}, false
	}
	return e.user, true
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
