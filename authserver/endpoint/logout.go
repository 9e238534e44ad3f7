package endpoint

import (
	"errors"
	"net/http"
	"net/url"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/token"
	"clientele.dev/clientele/authserver/web"
)

// logoutParameters are those of OpenID Connect RP-Initiated Logout 1.0, Section 2
// that mean something here.
var logoutParameters = []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state"}

// logout is GET /oauth/logout (RP-Initiated Logout 1.0, Section 2):
//
//  1. which client asks: the audience of id_token_hint, or client_id
//  2. where to go then: only an address that this client registered for it
//  3. who is signed in; nobody: done
//  4. the hint is of this person and session: they are signed out at once. Nobody
//     else has it; without it, whoever can make somebody follow a link could
//     sign them out, so they are asked (Section 2)
//
// Apps keep their access: a command-line tool is not signed out with the browser.
func (s *Server) logout(x *exchange) int {
	p, err := query(x)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	request, err := s.logoutRequest(x, &p)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	// 3.
	session, err := s.session(x, s.Now())
	switch {
	case err != nil:
		return s.notAuthorized(x, err)
	case session == nil:
		return s.signOut(x, request)
	case request.of(session):
		request.offered = false // they were signed in there
		return s.signOut(x, request)
	}
	// 4.
	return s.askSignOut(x, request, session, &p)
}

// logoutRequest is what was asked for, checked.
type logoutRequest struct {
	client *registry.Client // nil: not known
	hint   *token.IDClaims
	// uri is the post_logout_redirect_uri, then where the browser goes: uri with
	// state. Both may be empty.
	uri, then string
	// offered: nobody vouches for the client, and the person goes there by a link
	// (RFC 9700, Section 4.11.2).
	offered bool
}

// of says that the hint is of a session.
func (r logoutRequest) of(session *store.Session) bool {
	return r.hint != nil && r.hint.Subject == session.Subject && r.hint.SessionID == session.ID
}

func (s *Server) logoutRequest(x *exchange, p *params.Params) (logoutRequest, error) {
	if !s.mayIssueToUsers(x) {
		return logoutRequest{}, errNotNow()
	}
	// 1.
	r := logoutRequest{uri: p.Get("post_logout_redirect_uri")}
	clientID := p.Get("client_id")
	if text := p.Get("id_token_hint"); text != "" {
		hint, err := x.view.tokens.ID(text)
		if err != nil {
			return logoutRequest{}, oauth.InvalidRequest("id_token_hint is not an ID token of this server").WithCause(err)
		}
		if clientID != "" && clientID != hint.Audience {
			return logoutRequest{}, oauth.InvalidRequest("client_id is not the client that id_token_hint was issued to")
		}
		r.hint, clientID = &hint, hint.Audience
	}
	r.client, _ = s.Registry.Client(clientID)
	// 2.
	if r.uri == "" {
		return r, nil
	}
	if r.client == nil && clientID != "" {
		return logoutRequest{}, oauth.InvalidRequest("post_logout_redirect_uri must be registered for the client that id_token_hint or client_id names").WithCause(registry.ErrUnknownClient)
	}
	if r.client == nil || !oauth.MatchRedirect(r.client.PostLogoutRedirectURIs, r.uri, x.view.terms.PrivateUseSchemes...) {
		return logoutRequest{}, oauth.InvalidRequest("post_logout_redirect_uri must be registered for the client that id_token_hint or client_id names")
	}
	uri, err := oauth.ParseRedirectURI(r.uri, x.view.terms.PrivateUseSchemes...)
	if err != nil {
		return logoutRequest{}, err
	}
	if s.Registry.Reserved(r.client, uri) {
		return logoutRequest{}, oauth.InvalidRequest("post_logout_redirect_uri is at the host of a client that is declared here: a client that registered itself is not answered there")
	}
	r.then, r.offered = withState(uri, p.Get("state")), !r.client.VouchedFor(uri)
	return r, nil
}

func withState(uri oauth.RedirectURI, state string) string {
	added := url.Values{}
	if state != "" {
		added.Set("state", state)
	}
	return uri.Location(added)
}

// askSignOut shows the page that asks.
func (s *Server) askSignOut(x *exchange, r logoutRequest, session *store.Session, p *params.Params) int {
	page := web.SignOut{
		Action:      x.view.base + pathLogout,
		CSRF:        s.csrf(x.view).Token(signin.FormSignOut, x.view.cookies.ReadSession(x.r), r.then),
		StayURL:     x.view.base + pathAccount,
		Person:      person(session),
		RedirectURI: r.uri,
	}
	for _, name := range logoutParameters {
		if value := p.Get(name); value != "" {
			page.Hidden = append(page.Hidden, web.Field{Name: name, Value: value})
		}
	}
	if r.client != nil {
		a := s.app(x.view, r.client)
		page.App = &a
	}
	return s.page(x, http.StatusOK, x.view.pages.SignOut(x.w, page))
}

// postLogout is POST /oauth/logout: the form of the page that asks, which has our
// token, or a request by POST (RP-Initiated Logout 1.0, Section 2). To the latter
// the browser does not bring our cookie, for it comes from another site; so it is
// sent round by a GET, to which it does.
func (s *Server) postLogout(x *exchange) int {
	p, err := readForm(x)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	if p.Get(fieldCSRF) == "" {
		query := url.Values{}
		for _, name := range logoutParameters {
			if value := p.Get(name); value != "" {
				query.Set(name, value)
			}
		}
		return redirect(x, x.view.base+pathLogout+"?"+query.Encode())
	}
	if err := signin.CheckOrigin(x.r, x.view.origin); err != nil {
		return s.notAuthorized(x, err)
	}
	request, err := s.logoutRequest(x, &p)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	if !s.csrf(x.view).Check(p.Get(fieldCSRF), signin.FormSignOut, x.view.cookies.ReadSession(x.r), request.then) {
		return s.notAuthorized(x, errForm)
	}
	return s.signOut(x, request)
}

// signOut ends the browser's session, if there is one, and sends it on, or to the
// page that says so.
func (s *Server) signOut(x *exchange, r logoutRequest) int {
	if cookie := x.view.cookies.ReadSession(x.r); cookie != "" {
		session, err := s.sessions(x.view).End(x.r.Context(), cookie, s.Now())
		switch {
		case err == nil:
			s.auditPerson(x, audit.SessionEnded, &session, "")
		case !errors.Is(err, signin.ErrNoSession):
			return s.notAuthorized(x, err)
		}
		http.SetCookie(x.w, x.view.cookies.EndSession())
	}
	page := web.SignedOut{SignInURL: x.view.base + pathAccount}
	switch {
	case r.offered:
		page.RedirectURI = r.then
	case r.then != "":
		return redirect(x, r.then)
	}
	return s.page(x, http.StatusOK, x.view.pages.SignedOut(x.w, page))
}

func errNotNow() error {
	return oauth.TemporarilyUnavailable("this replica cannot sign anybody in or out at the moment")
}
