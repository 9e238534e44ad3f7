package oauth

// The error codes of authorization requests and of what users bring along.
const (
	// RFC 6749, Section 4.1.2.1.
	CodeAccessDenied            Code = "access_denied"
	CodeUnsupportedResponseType Code = "unsupported_response_type"
	// OpenID Connect Core 1.0, Section 3.1.2.6.
	CodeLoginRequired            Code = "login_required"
	CodeConsentRequired          Code = "consent_required"
	CodeInteractionRequired      Code = "interaction_required"
	CodeAccountSelectionRequired Code = "account_selection_required"
	CodeInvalidRequestURI        Code = "invalid_request_uri"
	CodeRequestNotSupported      Code = "request_not_supported"
	CodeRequestURINotSupported   Code = "request_uri_not_supported"
	CodeRegistrationNotSupported Code = "registration_not_supported"
	// RFC 7009, Section 2.2.1.
	CodeUnsupportedTokenType Code = "unsupported_token_type"
)

// AccessDenied: the user, or the server for them, said no (RFC 6749, Section
// 4.1.2.1).
func AccessDenied(desc string, args ...any) *Error {
	return newError(CodeAccessDenied, desc, args...)
}

// UnsupportedResponseType: the server does not give this response type (RFC
// 6749, Section 4.1.2.1).
func UnsupportedResponseType(desc string, args ...any) *Error {
	return newError(CodeUnsupportedResponseType, desc, args...)
}

// LoginRequired: the user must sign in, but no page may be shown (OpenID Connect
// Core 1.0, Section 3.1.2.6).
func LoginRequired(desc string, args ...any) *Error {
	return newError(CodeLoginRequired, desc, args...)
}

// ConsentRequired: the user must consent, but no page may be shown (OpenID
// Connect Core 1.0, Section 3.1.2.6).
func ConsentRequired(desc string, args ...any) *Error {
	return newError(CodeConsentRequired, desc, args...)
}

// InteractionRequired: the user must do something else, but no page may be shown
// (OpenID Connect Core 1.0, Section 3.1.2.6).
func InteractionRequired(desc string, args ...any) *Error {
	return newError(CodeInteractionRequired, desc, args...)
}

// AccountSelectionRequired: the user must choose an account, but no page may be
// shown (OpenID Connect Core 1.0, Section 3.1.2.6).
func AccountSelectionRequired(desc string, args ...any) *Error {
	return newError(CodeAccountSelectionRequired, desc, args...)
}

// InvalidRequestURI: the request_uri is unknown, expired, used, or another
// client's (RFC 9126, Section 4; RFC 9101, Section 7).
func InvalidRequestURI(desc string, args ...any) *Error {
	return newError(CodeInvalidRequestURI, desc, args...)
}

// RequestNotSupported: the server takes no request objects (OpenID Connect Core
// 1.0, Section 3.1.2.6).
func RequestNotSupported(desc string, args ...any) *Error {
	return newError(CodeRequestNotSupported, desc, args...)
}

// RequestURINotSupported: the server fetches no request objects (OpenID Connect
// Core 1.0, Section 3.1.2.6).
func RequestURINotSupported(desc string, args ...any) *Error {
	return newError(CodeRequestURINotSupported, desc, args...)
}

// RegistrationNotSupported: the registration parameter is not taken (OpenID
// Connect Core 1.0, Section 3.1.2.6).
func RegistrationNotSupported(desc string, args ...any) *Error {
	return newError(CodeRegistrationNotSupported, desc, args...)
}

// UnsupportedTokenType: the server cannot revoke tokens of this kind (RFC 7009,
// Section 2.2.1).
func UnsupportedTokenType(desc string, args ...any) *Error {
	return newError(CodeUnsupportedTokenType, desc, args...)
}
