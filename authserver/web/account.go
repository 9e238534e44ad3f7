package web

import (
	"net/http"
	"time"
)

// Account is the page on which a person sees and withdraws.
type Account struct {
	// Name, Username and Email of the person; any may be empty.
	Name, Username, Email string
	// WithdrawAction takes client_id and csrf; EndAction takes session and csrf;
	// SignOutAction takes csrf. All are posted to.
	WithdrawAction, EndAction, SignOutAction string
	// CSRF for the first two, SignOutCSRF for the third.
	CSRF, SignOutCSRF string
	Apps              []AccountApp
	Sessions          []AccountSession
	// MoreSessions is how many there are beside those.
	MoreSessions int
	// Done says what was just done.
	Done Done
}

// Done is what was just done on the account page.
type Done string

// What can have been done.
const (
	DoneWithdrawn Done = "withdrawn"
	DoneEnded     Done = "ended"
)

// AccountApp is an app with access.
type AccountApp struct {
	App
	Access []AccountAccess
}

// AccountAccess is what an app may do at one API.
type AccountAccess struct {
	Resource string
	Scopes   []Scope
	// Places at which it was allowed, if that is not everywhere.
	Places []Place
	Since  time.Time
	// Until when its last refresh token lives; zero: it holds none.
	Until time.Time
}

// AccountSession is a place where the person is signed in.
type AccountSession struct {
	ID string
	// UserAgent as the browser sent it, Address as we saw it, Provider that the
	// person signed in at (empty: here).
	UserAgent, Address, Provider string
	SignedIn, Seen               time.Time
	// Current: the browser that asks.
	Current bool
}

// Person is what to call the person.
func (a Account) Person() string {
	for _, s := range []string{a.Name, a.Username, a.Email} {
		if s = clean(s); s != "" {
			return s
		}
	}
	return "You"
}

// Account writes the account page.
func (p *Pages) Account(w http.ResponseWriter, a Account) error {
	return p.write(w, "account", page{Title: "Your account", Status: http.StatusOK, Width: "wide-page", policy: policy{logos: true}, Data: a})
}
