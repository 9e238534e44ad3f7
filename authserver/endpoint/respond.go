package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"clientele.dev/clientele/authserver/authorize"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registration"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/web"
)

// status is the only place where an error code becomes a status.
func status(code oauth.Code) int {
	switch code {
	case oauth.CodeInvalidClient, oauth.CodeInvalidToken:
		return http.StatusUnauthorized
	case oauth.CodeInsufficientScope:
		return http.StatusForbidden
	case oauth.CodeClientIDTaken, oauth.CodeOwnerMismatch, oauth.CodeStaleCounter:
		return http.StatusConflict
	case oauth.CodeTooManyRequests:
		return http.StatusTooManyRequests
	case oauth.CodeServerError:
		return http.StatusInternalServerError
	case oauth.CodeTemporarilyUnavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// challenge is the WWW-Authenticate of an error; "": none. It must not stand on
// a 400 (RFC 6749, Section 5.2; some clients then never read the body).
func challenge(err error) string {
	if errors.Is(err, errNoToken) {
		return `Bearer realm="clientele"`
	}
	switch oauth.CodeOf(err) {
	case oauth.CodeInvalidClient:
		return `Basic realm="clientele", charset="UTF-8"`
	case oauth.CodeInvalidToken:
		return `Bearer realm="clientele", error="invalid_token"`
	case oauth.CodeInsufficientScope:
		return `Bearer realm="clientele", error="insufficient_scope"` // RFC 6750, Section 3
	}
	return ""
}

// errorBody is RFC 6749, Section 5.2, and what registrars read beside it.
type errorBody struct {
	*oauth.Error
	// Counter that is stored, in stale_counter.
	Counter *int64 `json:"clientele_counter,omitempty"`
}

// fail answers an error and returns the status. Only the code and the public
// text leave the server; the cause of a failure of its own is logged.
func (s *Server) fail(x *exchange, err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return s.tooLarge(x)
	}
	err = s.unlessIncomplete(err)
	protocol := oauth.AsError(err)
	s.logFailure(x, err)
	body := errorBody{Error: protocol}
	if counter, ok := registration.StoredCounter(err); ok {
		body.Counter = &counter
	}
	header := x.w.Header()
	header["Cache-Control"] = noStore
	if c := challenge(err); c != "" {
		header.Set("WWW-Authenticate", c)
	}
	if seconds := retryAfter(protocol); seconds > 0 {
		header.Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	return writeJSON(x, status(protocol.Code), body)
}

// logFailure logs an error that is the server's own. What everybody can bring about at
// will is not one: a page that was open for too long, a form of another site or too
// large, a caller who went away.
func (s *Server) logFailure(x *exchange, err error) {
	if oauth.CodeOf(err) != oauth.CodeServerError {
		return
	}
	level := slog.LevelError
	if everyday(err) || errors.Is(err, context.Canceled) && x.r.Context().Err() != nil {
		level = slog.LevelDebug
	}
	s.Log.Log(x.r.Context(), level, "request failed", "route", x.route.name, "error", err)
}

// everyday errors have pages of their own (showError).
func everyday(err error) bool {
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	_, outdated := errors.AsType[outdatedError](err)
	return tooLarge || outdated || errors.Is(err, authorize.ErrPRT) || errors.Is(err, signin.ErrForeignOrigin) || errors.Is(err, errForm)
}

// retryAfter is when to try again, in seconds; 0: nothing is said of it.
func retryAfter(err *oauth.Error) int64 {
	if limited, ok := errors.AsType[*limitedError](err); ok {
		return int64((limited.wait + time.Second - 1) / time.Second)
	}
	if err.Code == oauth.CodeTemporarilyUnavailable {
		return 1
	}
	return 0
}

func (s *Server) tooLarge(x *exchange) int {
	x.w.Header()["Cache-Control"] = noStore
	// What is left of the body is not read.
	x.w.Header().Set("Connection", "close")
	if x.route.page && x.view != nil {
		return s.writeError(x, web.Error{
			Status: http.StatusRequestEntityTooLarge, Title: "That was too much",
			Text: "What was sent is larger than any form of these pages. Nothing was done.",
		})
	}
	return writeJSON(x, http.StatusRequestEntityTooLarge, oauth.InvalidRequest("the request body is larger than %d bytes", x.route.maxBody))
}

// writeJSON answers v; it returns the status.
func writeJSON(x *exchange, status int, v any) int {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"server_error"}`)
	}
	x.w.Header()["Content-Type"] = jsonType
	x.w.WriteHeader(status)
	_, _ = x.w.Write(body) // the caller is gone; nobody is left to tell
	return status
}
