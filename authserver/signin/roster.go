package signin

import (
	"slices"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// Roster says whether somebody who signed in earlier is still welcome. Sessions
// ask it at every use; a refresh asks Welcome, so that whoever is disabled or
// removed stops at once, on every path.
//
// While it is not known who the people are, as after a start, every answer is an
// error: temporarily_unavailable, with ErrNotKnown. Apps throw away what is refused
// otherwise (RFC 6749, Section 5.2).
type Roster struct {
	Local *Local
	// Upstreams returns the upstream providers in force, nil while they are not
	// known yet. Nil itself: there are none.
	Upstreams func() *Upstreams
}

// Welcome tells whether the person with this `sub`, who came from this source,
// may go on getting tokens: a local user with the password of then only. Of people
// of upstream providers we know nothing between two sign-ins, so they are welcome as
// long as their provider is.
func (r Roster) Welcome(subject string, from store.Source) (bool, error) {
	if !oauth.IsUser(subject) {
		return false, nil
	}
	if !oauth.IsLocalUser(subject) {
		return r.vouched(from)
	}
	u, ok, err := r.Local.User(subject)
	return ok && samePassword(from, u), err
}

// samePassword tells whether a local user still has the password that they signed
// in with. Whose password was reset is signed out by it: that is what one does for
// somebody whose device was stolen.
func samePassword(from store.Source, u User) bool {
	return from.Stamp == u.Source.Stamp
}

// vouched tells whether an upstream provider is configured now as it was when it
// said who somebody is.
func (r Roster) vouched(from store.Source) (bool, error) {
	if r.Upstreams == nil {
		return false, nil
	}
	upstreams := r.Upstreams()
	if upstreams == nil {
		return false, notKnown()
	}
	return upstreams.Vouches(from), nil
}

// Groups returns the groups that a person is in now, as Roles does.
func (r Roster) Groups(subject string, atSignIn []string) []string {
	if !oauth.IsLocalUser(subject) {
		return atSignIn
	}
	u, _, _ := r.Local.User(subject)
	return slices.Clone(u.Groups)
}

// Roles returns the roles that a person has now, who is Welcome. For people of an
// upstream provider these are atSignIn, what the provider said then.
func (r Roster) Roles(subject string, atSignIn []string) []string {
	if !oauth.IsLocalUser(subject) {
		return atSignIn
	}
	u, _, _ := r.Local.User(subject)
	return slices.Clone(u.Roles)
}

// Tenant returns the tenant that a person belongs to now, as Roles does.
func (r Roster) Tenant(subject, atSignIn string) string {
	if !oauth.IsLocalUser(subject) {
		return atSignIn
	}
	u, _, _ := r.Local.User(subject)
	return u.Tenant
}

// Current returns the session with what is known of the person now; false: they
// are disabled, removed, or their provider is, or they have another password.
func (r Roster) Current(s store.Session) (store.Session, bool, error) {
	if !oauth.IsLocalUser(s.Subject) {
		ok, err := r.Welcome(s.Subject, s.Source)
		return s, ok, err
	}
	u, ok, err := r.Local.User(s.Subject)
	if err != nil || !ok || !samePassword(s.Source, u) {
		return store.Session{}, false, err
	}
	s.Username, s.Name, s.Email, s.EmailVerified = u.Username, u.Name, u.Email, u.EmailVerified
	s.Roles, s.Groups, s.Tenant = slices.Clone(u.Roles), slices.Clone(u.Groups), u.Tenant
	return s, true, nil
}
