package web

import "net/http"

// SignOut asks whether the person wants to sign out: an app, or a stranger's
// link, sent them here without proof of being asked (OpenID Connect RP-Initiated
// Logout 1.0, Section 2).
type SignOut struct {
	// Action the form posts to, with csrf and Hidden; StayURL leads away.
	Action  string
	CSRF    string
	Hidden  []Field
	StayURL string
	Person  string
	// App that asks, if it is known.
	App *App
	// RedirectURI is the post_logout_redirect_uri, if it was accepted.
	RedirectURI string
}

// SignOut writes the page.
func (p *Pages) SignOut(w http.ResponseWriter, s SignOut) error {
	return p.write(w, "signout", page{Title: "Sign out?", Status: http.StatusOK, policy: policy{redirectURI: s.RedirectURI}, Data: s})
}

// SignedOut says that nobody is signed in any more.
type SignedOut struct {
	// SignInURL leads to the sign-in page; empty: no such link.
	SignInURL string
	// RedirectURI of an app that nobody vouches for, to go back to; empty: none.
	RedirectURI string
}

// Place is where the redirect URI leads.
func (s SignedOut) Place() Place { return placeOf(s.RedirectURI) }

// SignedOut writes the page.
func (p *Pages) SignedOut(w http.ResponseWriter, s SignedOut) error {
	return p.write(w, "signedout", page{Title: "You are signed out", Status: http.StatusOK, Data: s})
}
