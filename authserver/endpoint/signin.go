package endpoint

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/authorize"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/peer"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/web"
)

// signInPage shows the sign-in page for a pending request.
func (s *Server) signInPage(x *exchange, v visit, username string, problem web.Problem) int {
	csrf := s.csrf(x.view)
	a := s.app(x.view, v.request.Client)
	page := web.SignIn{
		Action:      x.view.base + pathContinue,
		CSRF:        csrf.Token(signin.FormSignIn, v.cookie, v.prt),
		Hidden:      []web.Field{{Name: fieldPRT, Value: v.prt}, {Name: fieldStep, Value: stepSignIn}},
		Local:       s.asksPassword(),
		Username:    username,
		App:         &a,
		RedirectURI: v.request.Target.RedirectURI(),
		Problem:     s.problemNow(problem),
	}
	query := url.Values{fieldPRT: {v.prt}, fieldCSRF: {csrf.Token(signin.FormUpstream, v.cookie, v.prt)}}.Encode()
	if v.other {
		page.Hidden = append(page.Hidden, web.Field{Name: fieldSwitch, Value: "1"})
		query += switchOn
	}
	for _, choice := range s.upstreams().Choices() {
		page.Providers = append(page.Providers, web.Provider{Name: choice.DisplayName, URL: x.view.base + upstreamPrefix + choice.Name + "?" + query})
	}
	w := &recorder{ResponseWriter: x.w, status: http.StatusOK} // a problem has its own status
	err := x.view.pages.SignIn(w, page)
	return s.page(x, w.status, err)
}

// asksPassword says whether a sign-in page has the form: not where it is known that
// there are no local users.
func (s *Server) asksPassword() bool {
	return !s.Roster.Local.Known() || s.Roster.Local.Len() > 0
}

// problemNow is what a sign-in page tells; where nothing is wrong otherwise, that
// the form will not do at the moment, or that there may be more ways than it shows.
func (s *Server) problemNow(problem web.Problem) web.Problem {
	unknown := !s.Roster.Local.Known() || s.Roster.Local.Len() == 0 && s.Upstreams != nil && s.Upstreams() == nil
	if problem == "" && unknown {
		return web.ProblemNotNow
	}
	return problem
}

// postSignIn takes user name and password.
func (s *Server) postSignIn(x *exchange, v visit, p *params.Params) int {
	v.other = p.Get(fieldSwitch) != "" // the page again, if need be
	if !s.csrf(x.view).Check(p.Get(fieldCSRF), signin.FormSignIn, v.cookie, v.prt) {
		return s.signInPage(x, v, p.Get("username"), web.ProblemStale)
	}
	user, err := s.signInByPassword(x, p)
	if err == nil {
		err = s.startSession(x, user)
	}
	switch {
	case errors.Is(err, signin.ErrRefused):
		s.Audit.Write(x.r.Context(), audit.SignInRefused, slog.String("client_id", v.request.Client.ClientID), slog.String("remote", s.remoteAddress(x)))
		return s.signInPage(x, v, p.Get("username"), web.ProblemRefused)
	case errors.Is(err, signin.ErrNotKnown):
		return s.signInPage(x, v, p.Get("username"), web.ProblemNotNow)
	case errors.Is(err, signin.ErrBusy):
		return s.signInPage(x, v, p.Get("username"), web.ProblemBusy)
	case err != nil:
		return s.notAuthorized(x, v.refuse(err))
	}
	return redirect(x, continueURL(x.view, v.prt))
}

// signInByPassword takes the form of a sign-in page. A browser in which it was right
// is known afterwards, for the lockout.
func (s *Server) signInByPassword(x *exchange, p *params.Params) (signin.User, error) {
	now, name := s.Now(), p.Get("username")
	user, err := s.Password.SignIn(x.r.Context(), signin.Credentials{
		Username: name, Password: credential.Secret(p.Get("password")), Address: s.remoteAddress(x),
		Device: x.view.cookies.ReadDevice(x.r, x.view.serverKeys, name, now),
	}, now)
	if err != nil {
		return signin.User{}, err
	}
	cookie, err := x.view.cookies.Device(x.view.serverKeys, user.Username, now)
	if err != nil {
		return signin.User{}, fmt.Errorf("make the cookie of a known browser: %w", err)
	}
	http.SetCookie(x.w, cookie)
	return user, nil
}

// startSession signs the browser in, with a new cookie value (FAILURES A20).
func (s *Server) startSession(x *exchange, user signin.User) error {
	browser := signin.Browser{UserAgent: x.r.UserAgent(), Address: s.remoteAddress(x)}
	sessions := s.sessions(x.view)
	value, _, err := sessions.Start(x.r.Context(), user, browser, x.view.cookies.ReadSession(x.r), s.Now())
	if err != nil {
		return err
	}
	http.SetCookie(x.w, x.view.cookies.Session(value, sessions.CookieLifetime()))
	s.Audit.Write(x.r.Context(), audit.SignedIn, slog.String("subject", user.Subject), slog.String("source", user.Source.Name), slog.String("remote", s.remoteAddress(x)))
	return nil
}

// beginUpstream is GET /oauth/upstream/{provider}: the links of the sign-in page.
func (s *Server) beginUpstream(x *exchange) int {
	if err := signin.CheckOrigin(x.r, x.view.origin); err != nil {
		return s.notAuthorized(x, err)
	}
	p, v, err := s.open(x, query)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	if !s.csrf(x.view).Check(p.Get(fieldCSRF), signin.FormUpstream, v.cookie, v.prt) {
		return s.notAuthorized(x, errForm)
	}
	v.other = p.Get(fieldSwitch) != ""
	start := signin.Start{
		Provider:  x.rest,
		Return:    strings.TrimPrefix(continueURL(x.view, v.prt), x.view.base),
		LoginHint: v.request.LoginHint,
		Choose:    v.other || v.request.Prompt.Has(oauth.PromptSelectAccount),
		Fresh:     v.request.WantsNewSignIn() || v.request.HasMaxAge || v.pending.Subject != "",
	}
	if v.other {
		start.LoginHint = "" // it is not whom the app means
	}
	location, cookies, err := s.upstreams().Begin(x.r.Context(), start, s.Now())
	if err != nil {
		s.Log.Warn("sign-in at an upstream provider could not begin", "error", err)
		return s.signInPage(x, v, "", upstreamProblem(err))
	}
	setCookies(x, cookies)
	return redirect(x, location)
}

// finishUpstream is GET /oauth/callback/{provider}: where the provider sends the
// browser back to.
func (s *Server) finishUpstream(x *exchange) int {
	result, err := s.upstreams().Finish(x.r.Context(), x.rest, x.r, s.Now())
	setCookies(x, x.view.cookies.EndUpstream())
	var notAllowed *signin.NotAllowedError
	switch {
	case result.Return == "":
		return s.notAuthorized(x, authorize.ErrPRT)
	case errors.As(err, &notAllowed):
		return s.notAllowed(x, result, notAllowed)
	case err != nil:
		s.Log.Warn("sign-in at an upstream provider failed", "error", err)
		return redirect(x, x.view.base+tryAgain(result, upstreamProblem(err)))
	}
	err = s.startSession(x, result.User)
	switch {
	case errors.Is(err, signin.ErrRefused): // the provider is not one of ours any more
		return redirect(x, x.view.base+tryAgain(result, upstreamProblem(err)))
	case err != nil:
		return s.notAuthorized(x, err)
	}
	return redirect(x, x.view.base+result.Return)
}

// notAllowed is the page for a person whom the provider's settings do not allow.
// Nothing is stored for them. The app hears of it only if they go back to it: they may
// sign in with another account.
func (s *Server) notAllowed(x *exchange, result signin.Result, e *signin.NotAllowedError) int {
	s.Audit.Write(x.r.Context(), audit.SignInRefused, slog.String("remote", s.remoteAddress(x)))
	s.Log.Warn("sign-in at an upstream provider was refused", "provider", x.rest, "reason", e.Reason)
	result.Choose = true
	return s.writeError(x, web.Error{
		Status: http.StatusForbidden, Title: "You cannot sign in here with this account",
		Text:     "This service does not allow your account. Nothing about you was stored.",
		Provider: e.Provider, Contact: e.Contact, OtherURL: x.view.base + tryAgain(result, ""),
	})
}

// tryAgain is where a page shows the problem: whoever wanted another account has one,
// and is to see the sign-in page even so.
func tryAgain(r signin.Result, problem web.Problem) string {
	at := r.Return + "&" + fieldProblem + "=" + string(problem)
	if r.Choose {
		at += switchOn
	}
	return at
}

func (s *Server) upstreams() *signin.Upstreams {
	if s.Upstreams == nil {
		return nil
	}
	return s.Upstreams()
}

func upstreamProblem(err error) web.Problem {
	switch {
	case errors.Is(err, signin.ErrUpstreamStale):
		return web.ProblemStale
	case errors.Is(err, signin.ErrUpstreamDenied):
		return web.ProblemDenied
	}
	return web.ProblemProvider
}

// problem takes the problems that finishUpstream writes into an address, and no
// other: anybody can write there.
func problem(s string) web.Problem {
	switch p := web.Problem(s); p {
	case web.ProblemStale, web.ProblemDenied, web.ProblemProvider:
		return p
	}
	return ""
}

func (s *Server) csrf(v *View) signin.CSRF {
	return signin.CSRF{Keys: func() credential.ServerKeys { return v.serverKeys }}
}

func setCookies(x *exchange, cookies []*http.Cookie) {
	for _, c := range cookies {
		http.SetCookie(x.w, c)
	}
}

// remoteAddress is whose request it is, as far as that can be believed.
func (s *Server) remoteAddress(x *exchange) string {
	var proxies peer.Proxies
	if x.view != nil {
		proxies = x.view.proxies
	}
	return proxies.Address(x.r.RemoteAddr, x.r.Header["X-Forwarded-For"])
}

// person is what pages call whoever is signed in.
func person(session *store.Session) string {
	for _, name := range []string{session.Name, session.Username, session.Email} {
		if name != "" {
			return name
		}
	}
	return session.Subject
}
