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
type Redirected struct{ refusal }

// Offered is an error that the user is shown, with a way on to the client, which is
// told of it there. It is a Redirected for which nobody vouches: of a client that
// anybody may have registered, to lead people from here to a page of theirs (RFC
// 9700, Section 4.11.2). It has no Answer: to send a browser there with it does not
// compile.
type Offered struct{ refusal }

// refusal is an error on its way to a target.
type refusal struct {
	err    *oauth.Error
	target Target
}

// Error implements error.
func (r *refusal) Error() string { return r.err.Error() }

// Unwrap returns the protocol error.
func (r *refusal) Unwrap() error { return r.err }

// Answer is the error as the client gets it.
func (r *Redirected) Answer() Answer { return r.target.refusal(r.err) }

// Offer is the error as the client gets it, if its user goes there.
func (o *Offered) Offer() Offer {
	a := o.target.refusal(o.err)
	return Offer{a.RedirectURI, a.Mode, a.Parameters, a.location}
}

// Refuse makes a Redirected of an error, or an Offered where nobody vouches for the
// target; of one of these, itself. Only its code and its public text leave the
// server (oauth.AsError).
func (t Target) Refuse(err error) error {
	var redirected *Redirected
	var offered *Offered
	switch {
	case errors.As(err, &redirected), errors.As(err, &offered):
		return err
	case t.vouched:
		return &Redirected{refusal{oauth.AsError(err), t}}
	}
	return &Offered{refusal{oauth.AsError(err), t}}
}

// shown makes a Shown.
func shown(err error) *Shown {
	var s *Shown
	if errors.As(err, &s) {
		return s
	}
	return &Shown{oauth.AsError(err)}
}
