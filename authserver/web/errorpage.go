package web

import "net/http"

// Error is a page for what cannot be told to the app, because its redirect URI is
// not to be trusted, or because there is no app.
type Error struct {
	// Status of the response (0: 400).
	Status int
	// Title and Text are for the person, and fixed: nothing of the request.
	Title, Text string
	// Code and Description are those of an OAuth error, for the app's developer.
	Code, Description string
	// Reference finds the request in the log.
	Reference string
	// RetryURL shows the page again that this came from, AccountURL the person's
	// account; empty: no such link.
	RetryURL, AccountURL string
	// Provider is the one that a refused account is of, Contact whom the person can
	// ask; both are settings. OtherURL lets them choose another account. Empty OtherURL:
	// the page is not about an account.
	Provider, Contact, OtherURL string
}

// Error writes the page.
func (p *Pages) Error(w http.ResponseWriter, e Error) error {
	if e.Status == 0 {
		e.Status = http.StatusBadRequest
	}
	if e.Title == "" {
		e.Title = "This did not work"
	}
	return p.write(w, "error", page{Title: "Error: " + e.Title, Status: e.Status, Data: e})
}
