package endpoint

import (
	"errors"
	"net/http"
	"time"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/authorize"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/web"
)

// errForm: the CSRF token of a form is not right.
var errForm = errors.New("the form is not one that this browser was given")

// outdatedError: what a form is about is not what stood above it any more.
type outdatedError struct {
	again string // URL of the page as it is now
}

func (outdatedError) Error() string { return "what the page showed has changed since" }

// Names of the form fields and parameters that are ours.
const (
	fieldPRT     = "prt"
	fieldCSRF    = "csrf"
	fieldStep    = "step"
	fieldProblem = "problem"
	fieldSwitch  = "switch"
	fieldShown   = "shown"
)

// switchOn asks for the sign-in page though somebody is signed in.
const switchOn = "&" + fieldSwitch + "=1"

// Values of fieldStep: which form of /oauth/continue is posted.
const (
	stepSignIn  = "sign-in"
	stepConsent = "consent"
	stepBarred  = "barred"
)

// visit is a browser with a pending request.
type visit struct {
	prt     string
	cookie  credential.Secret // that the prt is bound to
	pending authorize.Pending
	request *authorize.Request
	session *store.Session // nil: nobody is signed in
	// other: whoever is signed in wants to be somebody else.
	other bool
}

// continueAuthorization is GET /oauth/continue: it opens the pending request,
// makes every check of it again, and shows the page that it waits for, or answers.
func (s *Server) continueAuthorization(x *exchange) int {
	p, v, err := s.open(x, query)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	step, verdict, err := s.interaction(x.view).Next(x.r.Context(), v.request, v.pending, v.session)
	v.other = p.Get(fieldSwitch) != "" && !v.request.Prompt.Has(oauth.PromptNone)
	if step == authorize.Barred && !v.other {
		s.auditBarred(x, v)
	}
	if err != nil {
		return s.notAuthorized(x, v.refuse(err))
	}
	switch {
	case step == authorize.SignIn || v.other:
		return s.signInPage(x, v, v.request.LoginHint, problem(p.Get(fieldProblem)))
	case step == authorize.Barred:
		return s.barredPage(x, v)
	case step == authorize.AskConsent:
		return s.consentPage(x, v, verdict)
	}
	answer, err := s.issuer(x.view).Issue(x.r.Context(), v.request, *v.session, verdict.Access(), s.Now())
	return s.finish(x, v, answer, err)
}

// postContinue is POST /oauth/continue: the forms of the pages for pending requests. A
// form is ours if the browser says so, and its token is of this browser, this form
// and this request (FAILURES A20).
func (s *Server) postContinue(x *exchange) int {
	if err := signin.CheckOrigin(x.r, x.view.origin); err != nil {
		return s.notAuthorized(x, err)
	}
	p, v, err := s.open(x, readForm)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	switch p.Get(fieldStep) {
	case stepSignIn:
		return s.postSignIn(x, v, &p)
	case stepConsent:
		return s.postConsent(x, v, &p)
	case stepBarred:
		return s.postBarred(x, v, &p)
	}
	return s.notAuthorized(x, errForm)
}

// open reads the parameters, of the URL or a form, and opens the prt among them. The
// error is an *authorize.Shown, *Redirected or *Offered, authorize.ErrPRT, that of
// read, or that this replica may not issue.
func (s *Server) open(x *exchange, read func(*exchange) (params.Params, error)) (params.Params, visit, error) {
	p, err := read(x)
	if err != nil {
		return p, visit{}, err
	}
	v, err := s.openPRT(x, p.Get(fieldPRT))
	return p, v, err
}

func (s *Server) openPRT(x *exchange, prt string) (visit, error) {
	if !s.mayIssueToUsers(x) {
		return visit{}, errNotNow()
	}
	v := visit{prt: prt, cookie: x.view.cookies.ReadPreSession(x.r)}
	var err error
	if v.pending, err = authorize.OpenPending(x.view.serverKeys, prt, v.cookie, s.Now()); err != nil {
		return visit{}, err
	}
	p, err := v.pending.Params()
	if err != nil {
		return visit{}, err
	}
	if v.request, err = s.check(x, p); err != nil {
		return visit{}, err
	}
	if v.session, err = s.session(x, s.Now()); err != nil {
		return visit{}, v.refuse(err)
	}
	if v.pending.SignedInFor(v.session) {
		v.request.Target = v.request.Target.Seen()
	}
	return v, nil
}

// refuse makes a refusal that the client is told of whatever happened.
func (v visit) refuse(err error) error { return v.request.Target.Refuse(err) }

// session is that of the browser; nil: nobody is signed in.
func (s *Server) session(x *exchange, now time.Time) (*store.Session, error) {
	session, err := s.sessions(x.view).Load(x.r.Context(), x.view.cookies.ReadSession(x.r), now)
	if errors.Is(err, signin.ErrNoSession) {
		return nil, nil //nolint:nilnil // nobody being signed in is no error
	}
	if err != nil {
		return nil, err
	}
	return &session, nil
}

func (s *Server) sessions(v *View) signin.Sessions {
	return signin.Sessions{Store: s.Flows, Roster: s.Roster, Lifetime: v.Settings.SessionLifetime, Idle: v.Settings.SessionIdle}
}

func (s *Server) interaction(v *View) authorize.Interaction {
	return authorize.Interaction{Policies: s.Registry.Policies, Consents: s.Flows, Terms: v.terms}
}

func (s *Server) issuer(v *View) authorize.Issuer {
	return authorize.Issuer{Codes: s.Flows, Consents: s.Flows, Lifetime: v.terms.CodeLifetime}
}

// consentPage asks.
func (s *Server) consentPage(x *exchange, v visit, verdict authorize.Verdict) int {
	page := s.consentShown(x.view, v, verdict)
	shown := consentDigest(page, v.request.Client)
	page.Action = x.view.base + pathContinue
	page.CSRF = s.csrf(x.view).Token(signin.FormConsent, x.view.cookies.ReadSession(x.r), v.prt, shown)
	page.Hidden = []web.Field{{Name: fieldPRT, Value: v.prt}, {Name: fieldStep, Value: stepConsent}, {Name: fieldShown, Value: shown}}
	return s.page(x, http.StatusOK, x.view.pages.Consent(x.w, page))
}

// postConsent takes the decision.
func (s *Server) postConsent(x *exchange, v visit, p *params.Params) int {
	step, verdict, err := s.interaction(x.view).Next(x.r.Context(), v.request, v.pending, v.session)
	if err != nil {
		return s.notAuthorized(x, v.refuse(err))
	}
	if step == authorize.SignIn || step == authorize.Barred {
		return redirect(x, continueURL(x.view, v.prt)) // signed out, or barred, meanwhile
	}
	shown := p.Get(fieldShown)
	if !s.csrf(x.view).Check(p.Get(fieldCSRF), signin.FormConsent, x.view.cookies.ReadSession(x.r), v.prt, shown) {
		return s.notAuthorized(x, errForm)
	}
	switch p.Get("decision") {
	case web.DecisionAllow:
		if shown != consentDigest(s.consentShown(x.view, v, verdict), v.request.Client) {
			return s.notAuthorized(x, outdatedError{continueURL(x.view, v.prt)})
		}
		answer, err := s.issuer(x.view).Allow(x.r.Context(), v.request, *v.session, verdict.Access(), s.Now())
		if err == nil {
			s.auditPerson(x, audit.ConsentGiven, v.session, v.request.Client.ClientID)
		}
		return s.finish(x, v, answer, err)
	case web.DecisionDeny:
		s.auditPerson(x, audit.ConsentDenied, v.session, v.request.Client.ClientID)
		return s.answer(x, authorize.Deny(v.request))
	}
	return s.notAuthorized(x, errForm)
}

// finish brings the code to the client.
func (s *Server) finish(x *exchange, v visit, answer authorize.Answer, err error) int {
	if err != nil {
		return s.notAuthorized(x, v.refuse(err))
	}
	if v.request.Challenge == "" {
		s.Metrics.withoutPKCE.Inc()
	}
	return s.answer(x, answer)
}
