package web

import (
	"fmt"
	"net/http"
)

// Onward is an error that is for an app which nobody vouches for: the person decides
// whether to go there with it (RFC 9700, Section 4.11.2).
type Onward struct {
	// Status of the response.
	Status int
	// RedirectURI of the app; its host is the first thing on the page.
	RedirectURI string
	// Location is the way on, by a link; with Fields it is a form that posts them to
	// RedirectURI.
	Location string
	Fields   []Field
	// Code and Description are those of the OAuth error, for the app's developer.
	Code, Description string
}

// Place is where the redirect URI leads.
func (o Onward) Place() Place { return placeOf(o.RedirectURI) }

// Onward writes the page. As on a FormPost the app must not be sent `Origin: null`.
func (p *Pages) Onward(w http.ResponseWriter, o Onward) error {
	if webURL(o.RedirectURI) == "" {
		return fmt.Errorf("onward: the redirect URI is not on the web: want http or https")
	}
	content := page{Title: "Error: An app sent you here", Status: o.Status, Data: o}
	if len(o.Fields) > 0 {
		content.policy = policy{redirectURI: o.RedirectURI, onlyThere: true, referrer: "strict-origin"}
	}
	return p.write(w, "onward", content)
}
