package signin

import (
	"slices"

	"clientele.dev/clientele/authserver/store"
)

// Roster says whether somebody who signed in earlier is still welcome. Sessions
// ask it at every use; a refresh asks Welcome, so that whoever is disabled or
// removed stops at once, on every path.
type Roster struct {
	Local *Local
	// Provider tells whether an upstream provider is configured now as it was
	// when it said who somebody is; nil: none is.
	Provider func(store.Source) bool
}

// Welcome tells whether the person with this `sub`, who came from this source,
// may go on getting tokens. Of people of upstream providers we know nothing
// between two sign-ins, so they are welcome as long as their provider is.
func (r Roster) Welcome(subject string, from store.Source) bool {
	if !IsUser(subject) {
		return false
	}
	if !isLocal(subject) {
		return r.Provider != nil && r.Provider(from)
	}
	_, ok := r.Local.User(subject)
	return ok
}

// Roles returns the roles that a person has now. For people of an upstream
// provider these are atSignIn, what the provider said then.
func (r Roster) Roles(subject string, atSignIn []string) []string {
	if !isLocal(subject) {
		return atSignIn
	}
	u, _ := r.Local.User(subject)
	return slices.Clone(u.Roles)
}

// Current returns the session with what is known of the person now; false: they
// are disabled, removed, or their provider is.
func (r Roster) Current(s store.Session) (store.Session, bool) {
	if !r.Welcome(s.Subject, s.Source) {
		return store.Session{}, false
	}
	u, ok := r.Local.User(s.Subject)
	if !ok { // they are their provider's
		return s, true
	}
	s.Username, s.Name, s.Email, s.EmailVerified = u.Username, u.Name, u.Email, u.EmailVerified
	s.Roles, s.Groups = slices.Clone(u.Roles), slices.Clone(u.Groups)
	return s, true
}
