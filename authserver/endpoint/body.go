package endpoint

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
)

const formType = "application/x-www-form-urlencoded"

// readForm reads the parameters of a token request. They come in the body only
// (RFC 6749, Section 2.3.1 and 3.2): in the URL they would end up in logs.
func readForm(x *exchange) (params.Params, error) {
	if x.r.URL.RawQuery != "" {
		return params.Params{}, oauth.InvalidRequest("parameters must be in the request body, not in the URL")
	}
	if !hasType(x.r, formType) {
		return params.Params{}, oauth.InvalidRequest("Content-Type must be %s", formType)
	}
	body, err := readBody(x)
	if err != nil {
		return params.Params{}, err
	}
	return params.Parse(body, "resource")
}

// query reads the URL's parameters, strictly as a form's.
func query(x *exchange) (params.Params, error) { return params.Parse(x.r.URL.RawQuery) }

// readBody reads the body, which the wrapper has bounded.
func readBody(x *exchange) (string, error) {
	all, err := io.ReadAll(x.r.Body)
	return string(all), unread(err)
}

// unread is the error of a body that could not be read: the caller's, not ours.
func unread(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return oauth.InvalidRequest("the request body could not be read").WithCause(err)
}

// hasType compares the media type of the body, without its parameters.
func hasType(r *http.Request, want string) bool {
	header := r.Header["Content-Type"]
	if len(header) != 1 {
		return false
	}
	if header[0] == want {
		return true
	}
	got, _, err := mime.ParseMediaType(header[0])
	return err == nil && got == want
}

// readJSON reads a JSON body into v. The error is an *oauth.Error that names
// what is wrong without repeating what was sent.
func readJSON(x *exchange, v any) error {
	if !hasType(x.r, "application/json") {
		return oauth.InvalidRequest("Content-Type must be application/json")
	}
	body, err := io.ReadAll(x.r.Body)
	if err != nil {
		return unread(err)
	}
	if err := strictUnmarshal(body, v); err != nil {
		return oauth.InvalidRequest("the request body is not acceptable JSON: %s", err).WithCause(err)
	}
	return nil
}

// readRegistration is readJSON for client metadata, about which there are codes of
// their own (RFC 7591, Section 3.2.2).
func readRegistration(x *exchange, v any) error {
	err := readJSON(x, v)
	wrong, ok := errors.AsType[*memberError](err)
	switch {
	case !ok || wrong.member == "":
		return err
	case strings.HasPrefix(wrong.member, "redirect_uris"):
		return oauth.InvalidRedirectURI("%s", wrong)
	}
	return oauth.InvalidClientMetadata("%s", wrong)
}

var errTooDeep = fmt.Errorf("it is nested more than %d levels deep", maxDepth)
