package web

import "net/http"

// Problem is why the sign-in page is shown again. The texts are in its template.
type Problem string

// The problems.
const (
	// ProblemRefused: unknown user, wrong password, disabled, locked out: one
	// text, one status for all (A12).
	ProblemRefused Problem = "refused"
	// ProblemBusy: too many sign-ins at the moment.
	ProblemBusy Problem = "busy"
	// ProblemNotNow: it is not known at the moment who may sign in with a password,
	// or, where nobody does so, at which providers.
	ProblemNotNow Problem = "not-now"
	// ProblemStale: the form was too old, or came from elsewhere; also an answer
	// of a provider that belongs to no sign-in of this browser.
	ProblemStale Problem = "stale"
	// ProblemDenied: the provider did not sign the person in.
	ProblemDenied Problem = "denied"
	// ProblemProvider: the provider cannot be reached or does not work.
	ProblemProvider Problem = "provider"
)

// status goes with a problem. A password that was wrong is no 401, which would
// have to name a scheme (RFC 9110, Section 15.5.2), and no 200, after which
// browsers offer to keep it.
var problemStatus = map[Problem]int{
	"": http.StatusOK, ProblemRefused: http.StatusForbidden, ProblemBusy: http.StatusServiceUnavailable, ProblemNotNow: http.StatusServiceUnavailable,
	ProblemStale: http.StatusForbidden, ProblemDenied: http.StatusForbidden, ProblemProvider: http.StatusBadGateway,
}

// SignIn is the sign-in page.
type SignIn struct {
	// Action the form posts to, with fields username, password, csrf and Hidden.
	Action string
	CSRF   string
	Hidden []Field
	// Local shows the form; without local users there are only providers.
	Local bool
	// Username to begin with: what was typed before, or a login_hint.
	Username string
	// Providers are upstream providers. Each is a link, see package signin.
	Providers []Provider
	// App that the person is on the way to; nil: none. Of one that registered itself
	// the host comes first, and a warning with it.
	App *App
	// RedirectURI of the request: after signing in the browser may be sent on to
	// it at once.
	RedirectURI string
	Problem     Problem
}

// Provider is a button of the sign-in page.
type Provider struct{ Name, URL string }

// Place is where the person is on the way to.
func (s SignIn) Place() Place { return placeOf(s.RedirectURI) }

// SignIn writes the sign-in page.
func (p *Pages) SignIn(w http.ResponseWriter, s SignIn) error {
	title := "Sign in"
	if s.Problem != "" {
		title = "Error: " + title
	}
	if s.Problem == ProblemBusy || s.Problem == ProblemNotNow {
		w.Header().Set("Retry-After", "5")
	}
	status, known := problemStatus[s.Problem]
	if !known {
		status = http.StatusBadRequest
	}
	return p.write(w, "signin", page{Title: title, Status: status, policy: policy{redirectURI: s.RedirectURI}, Data: s})
}
