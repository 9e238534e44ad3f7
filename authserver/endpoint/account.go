package endpoint

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/web"
)

// Actions of the account page, each a form that is posted below pathAccount.
const (
	actionSignIn   = "sign-in"
	actionWithdraw = "withdraw"
	actionEnd      = "end-session"
	actionSignOut  = "sign-out"
)

// accountDetail tells the forms of the account page from those of a pending
// request, whose tokens carry its prt there.
const accountDetail = "account"

const fieldDone = "done"

// account is GET /account: what a person has allowed and where they are signed
// in. Whoever is not signed in is asked to.
func (s *Server) account(x *exchange) int {
	p, err := query(x)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	if !s.mayIssueToUsers(x) {
		return s.notAuthorized(x, errNotNow())
	}
	session, err := s.session(x, s.Now())
	if err != nil {
		return s.notAuthorized(x, err)
	}
	if session == nil {
		return s.accountSignIn(x, s.visitor(x), "", problem(p.Get(fieldProblem)))
	}
	page, err := s.accountPage(x, session)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	switch done := web.Done(p.Get(fieldDone)); done {
	case web.DoneWithdrawn, web.DoneEnded:
		page.Done = done
	}
	return s.page(x, http.StatusOK, x.view.pages.Account(x.w, page))
}

// accountSignIn shows the sign-in page of somebody who is on the way to no app.
func (s *Server) accountSignIn(x *exchange, visitor credential.Secret, username string, problem web.Problem) int {
	csrf := s.csrf(x.view)
	page := web.SignIn{
		Action:   x.view.base + accountPrefix + actionSignIn,
		CSRF:     csrf.Token(signin.FormSignIn, visitor, accountDetail),
		Local:    s.asksPassword(),
		Username: username,
		Problem:  s.problemNow(problem),
	}
	token := url.Values{fieldCSRF: {csrf.Token(signin.FormUpstream, visitor, accountDetail)}}.Encode()
	for _, choice := range s.upstreams().Choices() {
		page.Providers = append(page.Providers, web.Provider{Name: choice.DisplayName, URL: x.view.base + accountUpstream + choice.Name + "?" + token})
	}
	return s.page(x, http.StatusOK, x.view.pages.SignIn(x.w, page))
}

// accountUpstreamBegin is GET /account/upstream/{provider}.
func (s *Server) accountUpstreamBegin(x *exchange) int {
	p, err := query(x)
	if err == nil {
		err = signin.CheckOrigin(x.r, x.view.origin)
	}
	if err != nil {
		return s.notAuthorized(x, err)
	}
	visitor := x.view.cookies.ReadPreSession(x.r)
	if !s.csrf(x.view).Check(p.Get(fieldCSRF), signin.FormUpstream, visitor, accountDetail) {
		return s.notAuthorized(x, errForm)
	}
	// A problem is appended to the address as one more parameter.
	start := signin.Start{Provider: x.rest, Return: pathAccount + "?from=provider"}
	location, cookies, err := s.upstreams().Begin(x.r.Context(), start, s.Now())
	if err != nil {
		s.Log.Warn("sign-in at an upstream provider could not begin", "error", err)
		return s.accountSignIn(x, visitor, "", upstreamProblem(err))
	}
	setCookies(x, cookies)
	return redirect(x, location)
}

// accountPage gathers what stands on it.
func (s *Server) accountPage(x *exchange, session *store.Session) (web.Account, error) {
	ctx, now, csrf := x.r.Context(), s.Now(), s.csrf(x.view)
	apps, err := s.accounts(x.view).Apps(ctx, session.Subject, now)
	if err != nil {
		return web.Account{}, err
	}
	sessions, err := s.accounts(x.view).ActiveSessions(ctx, session.Subject, now)
	if err != nil {
		return web.Account{}, err
	}
	cookie := x.view.cookies.ReadSession(x.r)
	page := web.Account{
		Name: session.Name, Username: session.Username, Email: session.Email,
		WithdrawAction: x.view.base + accountPrefix + actionWithdraw,
		EndAction:      x.view.base + accountPrefix + actionEnd,
		SignOutAction:  x.view.base + accountPrefix + actionSignOut,
		CSRF:           csrf.Token(signin.FormAccount, cookie),
		SignOutCSRF:    csrf.Token(signin.FormSignOut, cookie),
	}
	for _, a := range apps {
		page.Apps = append(page.Apps, s.accountApp(x.view, a))
	}
	for _, other := range newest(sessions, session.ID) {
		page.Sessions = append(page.Sessions, accountSession(other, session.ID))
	}
	page.MoreSessions = len(sessions) - len(page.Sessions)
	return page, nil
}

// maxSessions is how many of somebody's sessions the page shows.
const maxSessions = 50

// newest of the sessions, which come the latest used first, and the current one
// before all others.
func newest(sessions []store.Session, current string) []store.Session {
	sessions = slices.Clone(sessions)
	slices.SortStableFunc(sessions, func(a, b store.Session) int {
		switch {
		case a.ID == current:
			return -1
		case b.ID == current:
			return 1
		}
		return 0
	})
	return sessions[:min(len(sessions), maxSessions)]
}

func (s *Server) accounts(v *View) signin.Account {
	return signin.Account{Consents: s.Flows, Families: s.Flows, Sessions: s.sessions(v), Issuer: v.terms.Issuer}
}

// accountApp is an app as the page shows it; of a client that is gone only the id
// is known.
func (s *Server) accountApp(v *View, a signin.App) web.AccountApp {
	shown := web.AccountApp{App: web.App{ClientID: a.ClientID}}
	if c, ok := s.Registry.Client(a.ClientID); ok {
		shown.App = s.app(v, c)
	}
	for _, access := range a.Access {
		at := web.AccountAccess{
			Resource: access.Resource, Since: access.Since, Until: access.Until,
			Scopes: scopesShown(signin.Describe(s.Registry.Policies(), access.Resource, access.Scopes, nil)),
		}
		for _, place := range access.Places {
			at.Places = append(at.Places, web.PlaceNamed(place))
		}
		shown.Access = append(shown.Access, at)
	}
	return shown
}

func accountSession(of store.Session, current string) web.AccountSession {
	shown := web.AccountSession{
		ID: of.ID, UserAgent: of.UserAgent, Address: of.Address, SignedIn: of.Created, Seen: of.Seen, Current: of.ID == current,
	}
	if of.Source.Name != signin.SourceLocal {
		shown.Provider = of.Source.Name
	}
	return shown
}

// postAccount is POST /account/{action}. A form is ours if the browser says so,
// and its token is of this browser and this form (FAILURES A20).
func (s *Server) postAccount(x *exchange) int {
	if err := signin.CheckOrigin(x.r, x.view.origin); err != nil {
		return s.notAuthorized(x, err)
	}
	p, err := readForm(x)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	if !s.mayIssueToUsers(x) {
		return s.notAuthorized(x, errNotNow())
	}
	if x.rest == actionSignIn {
		return s.postAccountSignIn(x, &p)
	}
	session, err := s.session(x, s.Now())
	if err != nil {
		return s.notAuthorized(x, err)
	}
	if session == nil {
		return redirect(x, x.view.base+pathAccount) // signed out meanwhile
	}
	return s.accountAction(x, session, &p)
}

func (s *Server) postAccountSignIn(x *exchange, p *params.Params) int {
	visitor := x.view.cookies.ReadPreSession(x.r)
	if !s.csrf(x.view).Check(p.Get(fieldCSRF), signin.FormSignIn, visitor, accountDetail) {
		return s.accountSignIn(x, s.visitor(x), p.Get("username"), web.ProblemStale)
	}
	user, err := s.signInByPassword(x, p)
	if err == nil {
		err = s.startSession(x, user)
	}
	switch {
	case errors.Is(err, signin.ErrRefused):
		s.Audit.Write(x.r.Context(), audit.SignInRefused, slog.String("remote", s.remoteAddress(x)))
		return s.accountSignIn(x, visitor, p.Get("username"), web.ProblemRefused)
	case errors.Is(err, signin.ErrNotKnown):
		return s.accountSignIn(x, visitor, p.Get("username"), web.ProblemNotNow)
	case errors.Is(err, signin.ErrBusy):
		return s.accountSignIn(x, visitor, p.Get("username"), web.ProblemBusy)
	case err != nil:
		return s.notAuthorized(x, err)
	}
	return redirect(x, x.view.base+pathAccount)
}

// accountAction does what somebody who is signed in asks for.
func (s *Server) accountAction(x *exchange, session *store.Session, p *params.Params) int {
	form := signin.FormAccount
	if x.rest == actionSignOut {
		form = signin.FormSignOut
	}
	if !s.csrf(x.view).Check(p.Get(fieldCSRF), form, x.view.cookies.ReadSession(x.r)) {
		return s.notAuthorized(x, errForm)
	}
	switch x.rest {
	case actionWithdraw:
		return s.withdraw(x, session, p.Get("client_id"))
	case actionEnd:
		err := s.accounts(x.view).EndSession(x.r.Context(), session.Subject, p.Get("session"))
		if err != nil && !errors.Is(err, signin.ErrUnknownSession) { // ended meanwhile
			return s.notAuthorized(x, err)
		}
		if err == nil {
			s.auditPerson(x, audit.SessionEnded, session, "")
		}
		return redirect(x, x.view.base+pathAccount+"?"+fieldDone+"="+string(web.DoneEnded))
	case actionSignOut:
		return s.signOut(x, logoutRequest{})
	}
	return s.notAuthorized(x, errForm)
}

// withdraw takes an app's access away, at once and everywhere (FAILURES A19). What it
// took is audited: from a trusted app that keeps no tokens, what it would get next. Of
// apps that there are not nothing is: anybody who is signed in can name them.
func (s *Server) withdraw(x *exchange, session *store.Session, clientID string) int {
	if !oauth.ValidClientID(clientID) {
		return s.notAuthorized(x, errForm)
	}
	withdrawn, err := s.accounts(x.view).Withdraw(x.r.Context(), session.Subject, clientID, s.Now())
	if withdrawn { // also before something failed
		s.auditPerson(x, audit.ConsentWithdrawn, session, clientID)
	}
	if err != nil {
		return s.notAuthorized(x, err)
	}
	return redirect(x, x.view.base+pathAccount+"?"+fieldDone+"="+string(web.DoneWithdrawn))
}

// auditPerson writes what a person did, to an app if there is one.
func (s *Server) auditPerson(x *exchange, name audit.Name, session *store.Session, clientID string) {
	attrs := []slog.Attr{slog.String("subject", session.Subject), slog.String("remote", s.remoteAddress(x))}
	if clientID != "" {
		attrs = append(attrs, slog.String("client_id", clientID))
	}
	s.Audit.Write(x.r.Context(), name, attrs...)
}
