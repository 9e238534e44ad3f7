package web

import "net/http"

// BarredStatus is the status of the page Barred.
const BarredStatus = http.StatusForbidden

// Barred is the page for a user who is signed in and may not use the app.
type Barred struct {
	// Action the form posts to, with fields csrf and Hidden: the way back to the app.
	Action string
	CSRF   string
	Hidden []Field
	App    App
	// RedirectURI of the request.
	RedirectURI string
	// Person who is signed in; SwitchURL leads to the sign-in with another account.
	Person    string
	SwitchURL string
}

// Place is where the redirect URI leads.
func (b Barred) Place() Place { return placeOf(b.RedirectURI) }

// Barred writes the page.
func (p *Pages) Barred(w http.ResponseWriter, b Barred) error {
	return p.write(w, "barred", page{
		Title: "Error: You may not use this app", Status: BarredStatus,
		policy: policy{redirectURI: b.RedirectURI, logos: true}, Data: b,
	})
}
