package authorize

import (
	"errors"

	"clientele.dev/clientele/authserver/oauth"
)

// Shown is an error that the user is shown, for there is no redirect URI that
// could be trusted with it (RFC 6749, Section 4.1.2.1).
type Shown struct{ err *oauth.Error }

// Error implements error.
func (s *Shown) Error() string { return s.err.Error() }

// Unwrap returns the protocol error.
func (s *Shown) Unwrap() error { return s.err }

// Redirected is an error that the client is told, at its redirect URI. It can only
// be made of a Target, and that only of a client's registered redirect URI: an
// open redirect does not compile.
type Redirected struct {
	err    *oauth.Error
	target Target
}

// Error implements error.
func (r *Redirected) Error() string { return r.err.Error() }

// Unwrap returns the protocol error.
func (r *Redirected) Unwrap() error { return r.err }

// Answer is the error as the client gets it.
func (r *Redirected) Answer() Answer { return r.target.refusal(r.err) }

// Refuse makes a Redirected of an error. Only its code and its public text leave
// the server (oauth.AsError).
func (t Target) Refuse(err error) *Redirected { return &Redirected{oauth.AsError(err), t} }

// shown makes a Shown.
func shown(err error) *Shown {
	var s *Shown
	if errors.As(err, &s) {
		return s
	}
	return &Shown{oauth.AsError(err)}
}
