package oauth

import (
	"errors"
	"fmt"
	"strings"
)

// Code is the value of the error member of an error response.
type Code string

// The error codes.
const (
	// RFC 6749, Sections 4.1.2.1 and 5.2.
	CodeInvalidRequest         Code = "invalid_request"
	CodeInvalidClient          Code = "invalid_client"
	CodeInvalidGrant           Code = "invalid_grant"
	CodeUnauthorizedClient     Code = "unauthorized_client"
	CodeUnsupportedGrantType   Code = "unsupported_grant_type"
	CodeInvalidScope           Code = "invalid_scope"
	CodeServerError            Code = "server_error"
	CodeTemporarilyUnavailable Code = "temporarily_unavailable"
	// RFC 8707, Section 2.
	CodeInvalidTarget Code = "invalid_target"
	// RFC 7591, Section 3.2.2.
	CodeInvalidClientMetadata Code = "invalid_client_metadata"
	CodeInvalidRedirectURI    Code = "invalid_redirect_uri"
	// RFC 6750, Section 3.1.
	CodeInvalidToken      Code = "invalid_token"
	CodeInsufficientScope Code = "insufficient_scope"
	// Ours, for registrars.
	CodeClientIDTaken Code = "client_id_taken"
	CodeOwnerMismatch Code = "owner_mismatch"
	CodeStaleCounter  Code = "stale_counter"
)

// maxDescription bounds error_description in bytes, so that a long request is
// not sent back as a long answer.
const maxDescription = 512

// Error is a protocol error. Code and Description go to the client; the cause
// goes to the log only. Marshalled as JSON it is the body of RFC 6749, Section
// 5.2, and holds no cause.
type Error struct {
	Code Code `json:"error"`
	// Description is for the client's developer. The constructors make sure that
	// it has only the characters that RFC 6749, Section 5.2 allows.
	Description string `json:"error_description,omitempty"`
	cause       error
}

// Error is for logs: it includes the cause and must not be sent to a client.
func (e *Error) Error() string {
	text := string(e.Code)
	if e.Description != "" {
		text += ": " + e.Description
	}
	if e.cause != nil {
		text += ": " + e.cause.Error()
	}
	return text
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an Error of the same code.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && other != nil && other.Code == e.Code
}

// WithCause returns a copy of the error with a private cause.
func (e *Error) WithCause(cause error) *Error {
	return &Error{Code: e.Code, Description: e.Description, cause: cause}
}

// AsError returns the protocol error in err's chain. Whatever else happened is a
// server_error that tells the client nothing. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var protocol *Error
	if errors.As(err, &protocol) && protocol != nil {
		return protocol
	}
	return ServerError("the server could not answer this request").WithCause(err)
}

// CodeOf returns the code that AsError finds, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}

func newError(code Code, desc string, args ...any) *Error {
	return &Error{Code: code, Description: sanitize(fmt.Sprintf(desc, args...))}
}

// sanitize keeps to the characters of error_description: %x20-21 / %x23-5B /
// %x5D-7E (RFC 6749, Section 5.2).
func sanitize(s string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r == '\\':
			return '/'
		case r < 0x20 || r > 0x7E:
			return '?'
		}
		return r
	}, s)
	if len(clean) > maxDescription {
		clean = clean[:maxDescription-3] + "..."
	}
	return clean
}

// InvalidRequest: a parameter is missing, repeated or malformed (RFC 6749,
// Section 5.2). desc and args are as for fmt.Sprintf, here and below.
func InvalidRequest(desc string, args ...any) *Error {
	return newError(CodeInvalidRequest, desc, args...)
}

// InvalidClient: the client did not authenticate (RFC 6749, Section 5.2).
func InvalidClient(desc string, args ...any) *Error {
	return newError(CodeInvalidClient, desc, args...)
}

// InvalidGrant: the code, token or assertion is invalid, expired, revoked or
// somebody else's (RFC 6749, Section 5.2).
func InvalidGrant(desc string, args ...any) *Error {
	return newError(CodeInvalidGrant, desc, args...)
}

// UnauthorizedClient: the client may not use this grant type (RFC 6749, Section
// 5.2).
func UnauthorizedClient(desc string, args ...any) *Error {
	return newError(CodeUnauthorizedClient, desc, args...)
}

// UnsupportedGrantType: the server does not know the grant type (RFC 6749,
// Section 5.2).
func UnsupportedGrantType(desc string, args ...any) *Error {
	return newError(CodeUnsupportedGrantType, desc, args...)
}

// InvalidScope: the scope is malformed, unknown or exceeds what may be granted
// (RFC 6749, Section 5.2).
func InvalidScope(desc string, args ...any) *Error {
	return newError(CodeInvalidScope, desc, args...)
}

// InvalidTarget: the resource is malformed, unknown or not the client's to ask
// for (RFC 8707, Section 2).
func InvalidTarget(desc string, args ...any) *Error {
	return newError(CodeInvalidTarget, desc, args...)
}

// InvalidClientMetadata: a member of a registration is invalid (RFC 7591,
// Section 3.2.2).
func InvalidClientMetadata(desc string, args ...any) *Error {
	return newError(CodeInvalidClientMetadata, desc, args...)
}

// InvalidRedirectURI: a redirect URI of a registration is invalid (RFC 7591,
// Section 3.2.2).
func InvalidRedirectURI(desc string, args ...any) *Error {
	return newError(CodeInvalidRedirectURI, desc, args...)
}

// InvalidToken: the bearer token is expired, revoked, malformed or not for this
// resource (RFC 6750, Section 3.1).
func InvalidToken(desc string, args ...any) *Error {
	return newError(CodeInvalidToken, desc, args...)
}

// InsufficientScope: the bearer token is good but does not permit this (RFC
// 6750, Section 3.1).
func InsufficientScope(desc string, args ...any) *Error {
	return newError(CodeInsufficientScope, desc, args...)
}

// ServerError: something failed inside (RFC 6749, Section 4.1.2.1).
func ServerError(desc string, args ...any) *Error {
	return newError(CodeServerError, desc, args...)
}

// TemporarilyUnavailable: the same request may succeed later (RFC 6749, Section
// 4.1.2.1).
func TemporarilyUnavailable(desc string, args ...any) *Error {
	return newError(CodeTemporarilyUnavailable, desc, args...)
}

// ClientIDTaken: the client id belongs to another owner. Ours, for registrars.
func ClientIDTaken(desc string, args ...any) *Error {
	return newError(CodeClientIDTaken, desc, args...)
}

// OwnerMismatch: the record belongs to another owner or incarnation. Ours, for
// registrars.
func OwnerMismatch(desc string, args ...any) *Error {
	return newError(CodeOwnerMismatch, desc, args...)
}

// StaleCounter: the request is older than what the server has. Ours, for
// registrars.
func StaleCounter(desc string, args ...any) *Error {
	return newError(CodeStaleCounter, desc, args...)
}
