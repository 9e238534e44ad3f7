package endpoint

import (
	"net/http"
	"net/url"
	"time"

	"clientele.dev/clientele/authserver/authorize"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/signin"
)

// authorize is GET /oauth/authorize (RFC 6749, Section 3.1; OpenID Connect Core 1.0,
// Section 3.1.2.1):
//
//  1. may this replica issue at all?
//  2. parse, once; a pushed request is taken (RFC 9126, Section 4)
//  3. every check of package authorize
//  4. the browser gets a cookie, if it has none
//  5. the request is sealed for that browser, which goes on at /oauth/continue
//
// Nothing is written, whoever asks, but that a pushed request is used up.
func (s *Server) authorize(x *exchange) int {
	location, err := s.beginAuthorization(x)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	return redirect(x, location)
}

// postAuthorize is POST /oauth/authorize. A page of the app sends it, and to what
// another site's page posts the browser brings no cookie of ours: neither the
// session that a request may not be content with would be seen, nor the cookie that
// other requests of this browser wait with, which a new one would replace. So it is
// sent round by a GET, to which the browser brings both.
func (s *Server) postAuthorize(x *exchange) int {
	p, err := readForm(x)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	query, err := authorize.Query(&p)
	if err != nil {
		return s.notAuthorized(x, err)
	}
	return redirect(x, x.view.base+pathAuthorize+"?"+query)
}

func (s *Server) beginAuthorization(x *exchange) (location string, err error) {
	now := s.Now()
	// 1.
	if !s.mayIssueToUsers(x) {
		return "", errNotNow()
	}
	// 2.
	asked, err := params.Parse(x.r.URL.RawQuery, "resource")
	if err != nil {
		return "", err
	}
	p, err := s.pushed().Resolve(x.r.Context(), &asked, now)
	if err != nil {
		return "", err
	}
	// 3.
	request, err := s.check(x, p)
	if err != nil {
		return "", err
	}
	// 4.
	cookie := s.visitor(x)
	// 5.
	signedIn, err := s.outgrown(x, request, now)
	if err != nil {
		return "", request.Target.Refuse(err)
	}
	pending, err := authorize.NewPending(p, request, signedIn, now)
	if err != nil {
		return "", request.Target.Refuse(err)
	}
	prt, err := pending.Seal(x.view.serverKeys, cookie)
	if err != nil {
		return "", request.Target.Refuse(err)
	}
	return continueURL(x.view, prt), nil
}

// outgrown returns the id of the session that a request is not content with, because
// it wants a new sign-in, or somebody else; "" if there is none. For all other
// requests it is not looked up: /oauth/continue does that.
func (s *Server) outgrown(x *exchange, r *authorize.Request, now time.Time) (string, error) {
	if !r.WantsNewSignIn() && r.Subject == "" {
		return "", nil
	}
	session, err := s.session(x, now)
	if err != nil || session == nil || !r.Outgrows(*session) {
		return "", err
	}
	return session.ID, nil
}

func (s *Server) mayIssueToUsers(x *exchange) bool {
	return x.view.verifier != nil && x.view.minter != nil && s.Health.MayIssue(x.view, s.Now())
}

// check an authorization request (package authorize).
func (s *Server) check(x *exchange, p *params.Params) (request *authorize.Request, err error) {
	err = s.caughtUp(x.r.Context(), func() error {
		request, err = s.checker(x.view).Check(p)
		return err
	})
	return request, err
}

func (s *Server) checker(v *View) authorize.Checker {
	return authorize.Checker{Clients: s.Registry.Client, Policies: s.Registry.Policies, Reserved: s.Registry.Reserved, Hint: v.hint, Terms: v.terms}
}

// hint is authorize.Checker.Hint.
func (v *View) hint(idToken string) (subject, clientID string, err error) {
	claims, err := v.tokens.ID(idToken)
	return claims.Subject, claims.Audience, err
}

func (s *Server) pushed() authorize.Pushed { return authorize.Pushed{Requests: s.Flows} }

// visitor returns the cookie that pending requests of this browser are bound to,
// and sets one if there is none.
func (s *Server) visitor(x *exchange) credential.Secret {
	if cookie := x.view.cookies.ReadPreSession(x.r); cookie != "" {
		return cookie
	}
	cookie := signin.NewCookieValue()
	http.SetCookie(x.w, x.view.cookies.PreSession(cookie))
	return cookie
}

func continueURL(v *View, prt string) string {
	return v.base + pathContinue + "?prt=" + url.QueryEscape(prt)
}

// redirect sends the browser on, with a GET whatever it came with (RFC 9700,
// Section 4.12). Where it goes must not learn the address it comes from, which
// may hold a prt.
func redirect(x *exchange, location string) int {
	header := x.w.Header()
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Location", location)
	x.w.WriteHeader(http.StatusSeeOther)
	return http.StatusSeeOther
}
