package endpoint

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"clientele.dev/clientele/authserver/authorize"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/web"
)

// answer brings an authorization response to the client: by a redirect, or by a
// form that the browser posts (OAuth 2.0 Form Post Response Mode).
func (s *Server) answer(x *exchange, a authorize.Answer) int {
	if a.Mode != oauth.ResponseModeFormPost {
		return redirect(x, a.Location())
	}
	form := web.FormPost{RedirectURI: a.RedirectURI, Fields: fieldsOf(a.Parameters)}
	return s.page(x, http.StatusOK, x.view.pages.FormPost(x.w, form))
}

// fieldsOf are the parameters of an answer, for a form.
func fieldsOf(parameters url.Values) []web.Field {
	var fields []web.Field
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		fields = append(fields, web.Field{Name: name, Value: parameters.Get(name)})
	}
	return fields
}

// offer shows an error with a way on to the client, which gets the very same answer
// there as by a redirect.
func (s *Server) offer(x *exchange, o *authorize.Offered) int {
	protocol, there := oauth.AsError(o), o.Offer()
	page := web.Onward{
		Status: pageStatus(protocol.Code), RedirectURI: there.RedirectURI, Location: there.Location,
		Code: string(protocol.Code), Description: protocol.Description,
	}
	if there.Mode == oauth.ResponseModeFormPost {
		page.Fields = fieldsOf(there.Parameters)
	}
	return s.page(x, page.Status, x.view.pages.Onward(x.w, page))
}

// pageStatus is the status of a page that shows an error. None is a 401, which would
// have to name a scheme (RFC 9110, Section 15.5.2).
func pageStatus(code oauth.Code) int {
	switch code {
	case oauth.CodeServerError, oauth.CodeTemporarilyUnavailable:
		return status(code)
	}
	return http.StatusBadRequest
}

// page finishes an exchange whose page was written, with that status, unless the
// template failed.
func (s *Server) page(x *exchange, status int, err error) int {
	if err != nil {
		return s.fail(x, err)
	}
	return status
}

// notAuthorized answers an authorization request that ended in an error: at the
// client if it is an *authorize.Redirected, else on a page; from an *authorize.Offered
// the person can go on to the client.
func (s *Server) notAuthorized(x *exchange, err error) int {
	s.logFailure(x, err)
	var redirected *authorize.Redirected
	if errors.As(err, &redirected) {
		return s.answer(x, redirected.Answer())
	}
	var offered *authorize.Offered
	if errors.As(err, &offered) {
		return s.offer(x, offered)
	}
	return s.showError(x, err)
}

// showError writes the page for an error that no client can be told. Its texts
// are fixed: nothing of the request is on it (FAILURES A9).
func (s *Server) showError(x *exchange, err error) int {
	err = s.unlessIncomplete(err)
	e := web.Error{Status: pageStatus(oauth.CodeOf(err))}
	switch {
	case errors.Is(err, authorize.ErrPRT):
		e.Status, e.AccountURL = http.StatusBadRequest, x.view.base+pathAccount
		e.Title, e.Text = "This page is out of date", "It was open for too long, or was begun in another browser. Go back to the app and start again."
		return s.writeError(x, e)
	case errors.Is(err, signin.ErrForeignOrigin), errors.Is(err, errForm):
		e.Status, e.AccountURL = http.StatusForbidden, x.view.base+pathAccount
		e.Title, e.Text = "This did not come from our own page", "Nothing was done. Go back to the app and start again."
		return s.writeError(x, e)
	}
	if outdated, ok := errors.AsType[outdatedError](err); ok {
		e.Status, e.RetryURL = http.StatusConflict, outdated.again
		e.Title, e.Text = "This page is out of date", "The app, or what it asks for, has changed since the page was opened. Nothing was allowed."
		return s.writeError(x, e)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return s.tooLarge(x)
	}
	protocol := oauth.AsError(err)
	e.Code, e.Description = string(protocol.Code), protocol.Description
	switch protocol.Code {
	case oauth.CodeServerError:
		e.Title, e.Text = "Something failed here", "It is our fault. Please try again in a minute."
	case oauth.CodeTemporarilyUnavailable:
		x.w.Header().Set("Retry-After", "1")
		e.Title, e.Text = "Please try again in a moment", "The server cannot do this right now."
	default:
		e.Title, e.Text = "The app sent a request that cannot be answered", "You did nothing wrong, and nothing was shared. The app’s developer has to mend this."
	}
	return s.writeError(x, e)
}

func (s *Server) writeError(x *exchange, e web.Error) int {
	return s.page(x, e.Status, x.view.pages.Error(x.w, e))
}

// assets serves what the pages refer to.
func (s *Server) assets(x *exchange) int {
	w := &recorder{ResponseWriter: x.w, status: http.StatusOK}
	x.view.assets.ServeHTTP(w, x.r)
	return w.status
}

// recorder notes the status that is written.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
