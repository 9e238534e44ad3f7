package web

import (
	"net/http"
	"slices"
	"time"
)

// Scope is a scope in words.
type Scope struct {
	Name string
	// Text; empty: the name is shown alone.
	Text string
	// Known: the person has allowed it before.
	Known bool
}

// Consent is the consent page.
type Consent struct {
	// Action the form posts to, with fields decision (DecisionAllow or
	// DecisionDeny), csrf and Hidden.
	Action string
	CSRF   string
	Hidden []Field
	App    App
	// RedirectURI of the request; its host is the first thing on the page.
	RedirectURI string
	// Person who is signed in; SwitchURL signs in with another account.
	Person    string
	SwitchURL string
	// AccountURL is the page on which all this can be withdrawn.
	AccountURL string
	// Access by API; what is about the person alone may stand before it.
	Access []Access
	// AccessFor is how long one access token lasts at most; KeepFor how long refresh
	// tokens can renew it without the person, 0: not at all.
	AccessFor, KeepFor time.Duration
}

// Access is what is asked for at one API.
type Access struct {
	// Resource is the API (RFC 8707), in full; empty: it is about the person, and
	// counts at all of them.
	Resource string
	Scopes   []Scope
}

// Values of the field decision.
const (
	DecisionAllow = "allow"
	DecisionDeny  = "deny"
)

// Place is where the redirect URI leads.
func (c Consent) Place() Place { return placeOf(c.RedirectURI) }

// Elsewhere are the other places that an unverified app leads to.
func (c Consent) Elsewhere() []Place {
	if c.App.Operator != "" {
		return nil
	}
	here := c.Place().general()
	return slices.DeleteFunc(c.App.Places(), func(p Place) bool { return p == here })
}

// Homepage, Policy and Terms are links to the app's pages. Those of
// an unverified app must be at the site of the place (RFC 7591, Section 5); others are left
// out.
func (c Consent) Homepage() string { return c.ownPage(c.App.Homepage) }

// Policy: see Homepage.
func (c Consent) Policy() string { return c.ownPage(c.App.Policy) }

// Terms: see Homepage.
func (c Consent) Terms() string { return c.ownPage(c.App.Terms) }

func (c Consent) ownPage(page string) string {
	if c.App.Operator == "" && !c.Place().Has(page) {
		return ""
	}
	return webURL(page)
}

// title is the first thing that a screen reader says. That of an unverified app has none of
// the app's own words. Browsers cut a title at its end, so it has only the site of a host.
func (c Consent) title() string {
	switch place := c.Place(); {
	case c.App.Operator != "":
		return c.App.DisplayName()
	case place.Kind == "web":
		return place.Site()
	default:
		return place.Words()
	}
}

// New is what is asked for now.
func (c Consent) New() []Access { return c.pick(false) }

// Known is what was allowed before.
func (c Consent) Known() []Access { return c.pick(true) }

// pick leaves the API out where there is but one: it stands below.
func (c Consent) pick(known bool) []Access {
	var out []Access
	for _, a := range c.Access {
		var scopes []Scope
		for _, s := range a.Scopes {
			if s.Known == known {
				scopes = append(scopes, s)
			}
		}
		if len(scopes) > 0 {
			picked := Access{Scopes: scopes}
			if c.Only() == "" {
				picked.Resource = a.Resource
			}
			out = append(out, picked)
		}
	}
	return out
}

// Only is the one API, if there is no other.
func (c Consent) Only() string {
	if len(c.Access) != 1 {
		return ""
	}
	return c.Access[0].Resource
}

// Consent writes the consent page.
func (p *Pages) Consent(w http.ResponseWriter, c Consent) error {
	return p.write(w, "consent", page{
		Title: "Allow " + c.title() + "?", Status: http.StatusOK, Width: "middle",
		policy: policy{redirectURI: c.RedirectURI, logos: true, script: true}, Data: c,
	})
}
