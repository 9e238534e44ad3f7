package web

import (
	"net/http"
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
	// Person who is signed in; SwitchURL signs in as somebody else.
	Person    string
	SwitchURL string
	// Resource is the API (RFC 8707), in full.
	Resource string
	Scopes   []Scope
	// AccessFor is how long one access token lasts; KeepFor how long refresh
	// tokens can renew it without the person, 0: not at all.
	AccessFor, KeepFor time.Duration
}

// Values of the field decision.
const (
	DecisionAllow = "allow"
	DecisionDeny  = "deny"
)

// Place is where the redirect URI leads.
func (c Consent) Place() Place { return placeOf(c.RedirectURI) }

// New are the scopes that are asked for now.
func (c Consent) New() []Scope { return c.pick(false) }

// Known are the scopes that were allowed before.
func (c Consent) Known() []Scope { return c.pick(true) }

func (c Consent) pick(known bool) []Scope {
	var out []Scope
	for _, s := range c.Scopes {
		if s.Known == known {
			out = append(out, s)
		}
	}
	return out
}

// Consent writes the consent page.
func (p *Pages) Consent(w http.ResponseWriter, c Consent) error {
	return p.write(w, "consent", page{
		Title: "Allow " + c.App.DisplayName() + "?", Status: http.StatusOK, Width: "middle",
		policy: policy{redirectURI: c.RedirectURI, logos: true}, Data: c,
	})
}
