package endpoint

import (
	"log/slog"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/authorize"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/web"
)

// barredPage tells a user that they may not use the app. Nothing is stored for them. The
// app gets access_denied when the user goes back to it: the user may have another account.
func (s *Server) barredPage(x *exchange, v visit) int {
	page := web.Barred{
		Action:      x.view.base + pathContinue,
		CSRF:        s.csrf(x.view).Token(signin.FormBarred, x.view.cookies.ReadSession(x.r), v.prt),
		Hidden:      []web.Field{{Name: fieldPRT, Value: v.prt}, {Name: fieldStep, Value: stepBarred}},
		App:         s.app(x.view, v.request.Client),
		RedirectURI: v.request.Target.RedirectURI(),
		Person:      person(v.session),
		SwitchURL:   continueURL(x.view, v.prt) + switchOn,
	}
	return s.page(x, web.BarredStatus, x.view.pages.Barred(x.w, page))
}

// postBarred is the way back to the app from barredPage. Where anything has changed since,
// the page that is right now is shown.
func (s *Server) postBarred(x *exchange, v visit, p *params.Params) int {
	if !s.csrf(x.view).Check(p.Get(fieldCSRF), signin.FormBarred, x.view.cookies.ReadSession(x.r), v.prt) {
		return s.notAuthorized(x, errForm)
	}
	step, _, err := s.interaction(x.view).Next(x.r.Context(), v.request, v.pending, v.session)
	switch {
	case err != nil:
		return s.notAuthorized(x, v.refuse(err))
	case step != authorize.Barred:
		return redirect(x, continueURL(x.view, v.prt))
	}
	return s.answer(x, authorize.NotAllowed(v.request))
}

func (s *Server) auditBarred(x *exchange, v visit) {
	s.Audit.Write(x.r.Context(), audit.UserNotAllowed, slog.String("subject", v.session.Subject),
		slog.String("client_id", v.request.Client.ClientID), slog.String("reason", rights.NotAllowedReason), slog.String("remote", s.remoteAddress(x)))
}
