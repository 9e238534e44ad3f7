package oauth

// ResponseType names what an authorization request asks for (RFC 6749, Section
// 3.1.1).
type ResponseType string

// ResponseCode is an authorization code (RFC 6749, Section 4.1), the one response
// type that there is: no implicit grant, and no hybrid of OpenID Connect.
const ResponseCode ResponseType = "code"

// SupportedResponseTypes lists what ParseResponseType accepts, for the metadata.
func SupportedResponseTypes() []ResponseType {
	return []ResponseType{ResponseCode}
}

// ParseResponseType checks response_type. The error is an invalid_request if it
// is missing, else an unsupported_response_type (RFC 6749, Section 4.1.2.1).
func ParseResponseType(s string) (ResponseType, error) {
	switch ResponseType(s) {
	case ResponseCode:
		return ResponseCode, nil
	case "":
		return "", InvalidRequest("response_type is missing; it must be %s", ResponseCode)
	}
	return "", UnsupportedResponseType("response_type must be %s", ResponseCode)
}

// ResponseMode names how the answer of an authorization request is brought to
// the client (OAuth 2.0 Multiple Response Type Encoding Practices, Section 2.1).
type ResponseMode string

// The response modes.
const (
	// ResponseModeQuery puts the answer into the query of the redirect URI; it is
	// the default of response type code.
	ResponseModeQuery ResponseMode = "query"
	// ResponseModeFormPost has the browser post it there (OAuth 2.0 Form Post
	// Response Mode).
	ResponseModeFormPost ResponseMode = "form_post"
)

// SupportedResponseModes lists what ParseResponseMode accepts, for the metadata.
func SupportedResponseModes() []ResponseMode {
	return []ResponseMode{ResponseModeQuery, ResponseModeFormPost}
}

// ParseResponseMode checks response_mode; an empty one is ResponseModeQuery. The
// error is an invalid_request; the answer that carries it goes by the query.
func ParseResponseMode(s string) (ResponseMode, error) {
	switch mode := ResponseMode(s); mode {
	case "":
		return ResponseModeQuery, nil
	case ResponseModeQuery, ResponseModeFormPost:
		return mode, nil
	}
	return "", InvalidRequest("response_mode must be %s or %s", ResponseModeQuery, ResponseModeFormPost)
}
