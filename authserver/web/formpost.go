package web

import (
	"fmt"
	"net/http"
)

// FormPost is the authorization response as a form that the browser posts to the
// client (OAuth 2.0 Form Post Response Mode, Section 2).
type FormPost struct {
	// RedirectURI it posts to: http or https, no other scheme takes a form.
	RedirectURI string
	Fields      []Field
}

// Place is where it goes.
func (f FormPost) Place() Place { return placeOf(f.RedirectURI) }

// FormPost writes the page. The form sends itself; without JavaScript a button
// does.
//
// Its Referrer-Policy is strict-origin: with same-origin the client would be
// sent `Origin: null`, which many refuse.
func (p *Pages) FormPost(w http.ResponseWriter, f FormPost) error {
	if webURL(f.RedirectURI) == "" {
		return fmt.Errorf("form_post: the redirect URI takes no form: want http or https")
	}
	return p.write(w, "formpost", page{
		Title: "Going back to the app", Status: http.StatusOK, Data: f,
		policy: policy{redirectURI: f.RedirectURI, onlyThere: true, script: true, referrer: "strict-origin"},
	})
}
