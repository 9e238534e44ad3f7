package authorize

import (
	"net/url"

	"clientele.dev/clientele/authserver/oauth"
)

// Target is where the answer of a request goes: one of the client's redirect
// URIs, which selectRedirect has found to be registered. Its zero value leads
// nowhere.
type Target struct {
	redirect oauth.RedirectURI
	mode     oauth.ResponseMode
	state    string
	issuer   string
	// vouched: errors are redirected there, without a page of ours in between.
	vouched bool
}

// RedirectURI of the target, for pages to name.
func (t Target) RedirectURI() string { return t.redirect.String() }

// Seen is the target for a person who has read on a page of ours where it leads, and
// gone on: they vouch for it.
func (t Target) Seen() Target {
	t.vouched = true
	return t
}

// Silent is the target of a request with prompt=none, which no page may answer (OpenID
// Connect Core 1.0, Section 3.1.2.1; the exception in RFC 9700, Section 4.11.2).
func (t Target) Silent() Target {
	t.vouched = true
	return t
}

// Answer is an authorization response (RFC 6749, Sections 4.1.2 and 4.1.2.1).
type Answer struct {
	// RedirectURI it goes to, and how.
	RedirectURI string
	Mode        oauth.ResponseMode
	// Parameters of the answer, with state as it came and iss (RFC 9207).
	Parameters url.Values
	location   string
}

// Location to redirect the browser to, for response mode query.
func (a Answer) Location() string { return a.location }

// Offer is an Answer that only the person may bring to the client, by a link to
// Location, or, for response mode form_post, by a form with the parameters.
type Offer struct {
	RedirectURI string
	Mode        oauth.ResponseMode
	Parameters  url.Values
	Location    string
}

func (t Target) answer(parameters url.Values) Answer {
	if t.state != "" {
		parameters.Set("state", t.state)
	}
	// On success and on error, so that a client with several servers knows whose
	// answer it is (RFC 9207, Section 2; FAILURES A18).
	parameters.Set("iss", t.issuer)
	return Answer{t.redirect.String(), t.mode, parameters, t.redirect.Location(parameters)}
}

func (t Target) refusal(err *oauth.Error) Answer {
	parameters := url.Values{"error": {string(err.Code)}}
	if err.Description != "" {
		parameters.Set("error_description", err.Description)
	}
	return t.answer(parameters)
}
