package oauth

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a registration.
const (
	// MaxClientIDLength is how many characters a client id may have.
	MaxClientIDLength = 255
	// MaxClientNameLength is how many characters client_name may have.
	MaxClientNameLength = 200
	// MaxGrantTypes is how many grant types a client may list.
	MaxGrantTypes = 8
)

// Validate checks a registration request. It is pure and is called by the
// controller before it registers and by the server when it is asked to, so that
// the one never says Ready to what the other refuses. The error is an
// invalid_client_metadata (RFC 7591, Section 3.2.2) that names the member and
// says what would be right; for redirect_uris it is an invalid_redirect_uri.
//
// Members that need state to judge (client_id taken, counter, owner) are not
// judged here; Owner.Cluster is ignored, for the server derives it. schemes are
// those of ParseRedirectURI.
func (r Registration) Validate(schemes ...string) error {
	checks := []func(Registration) *Error{
		checkClientID,
		checkClientName,
		checkGrantTypes,
		checkAuthMethod,
		checkGrantsTogether,
		checkScope,
		func(r Registration) *Error { return checkRedirectURIs(r, schemes) },
		checkResponseTypes,
		func(r Registration) *Error { return checkPostLogout(r, schemes) },
		checkPages,
		checkManaged,
	}
	for _, check := range checks {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

// ValidClientID reports whether id is made of A-Z a-z 0-9 . _ ~ - only, up to
// MaxClientIDLength of them. These mean the same in HTTP Basic credentials
// whether or not a client form-encodes them first (RFC 6749, Section 2.3.1).
func ValidClientID(id string) bool {
	return unreserved(id, MaxClientIDLength)
}

// unreserved reports whether s has 1 to limit characters, all of RFC 3986,
// Section 2.3.
func unreserved(s string, limit int) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '.' && c != '_' && c != '~' && c != '-' {
			return false
		}
	}
	return true
}

func checkClientID(r Registration) *Error {
	switch {
	case r.ClientID == "" && r.Managed == nil:
		return nil // the server picks one
	case !ValidClientID(r.ClientID):
		return InvalidClientMetadata("client_id must be 1 to %d of the characters A-Z a-z 0-9 . _ ~ -", MaxClientIDLength)
	}
	return nil
}

func checkClientName(r Registration) *Error {
	if utf8.RuneCountInString(r.ClientName) > MaxClientNameLength {
		return InvalidClientMetadata("client_name must have at most %d characters", MaxClientNameLength)
	}
	if !Displayable(r.ClientName) {
		return InvalidClientMetadata("client_name must be UTF-8 text on one line, without control characters")
	}
	return nil
}

// Displayable reports whether s can be shown to a person on one line as it is:
// valid UTF-8 without control characters, line breaks, or the marks that turn
// the direction of the text around it and so could make a page lie.
func Displayable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
			return false
		}
	}
	return true
}

func checkGrantTypes(r Registration) *Error {
	if len(r.GrantTypes) > MaxGrantTypes {
		return InvalidClientMetadata("grant_types must list at most %d", MaxGrantTypes)
	}
	for _, g := range r.GrantTypes {
		if !g.Supported() {
			return InvalidClientMetadata("grant_types: %s is not supported; use %s", clip(string(g)), list(SupportedGrantTypes()))
		}
	}
	return nil
}

func checkAuthMethod(r Registration) *Error {
	m := r.TokenEndpointAuthMethod
	if m != "" && !m.Supported() {
		return InvalidClientMetadata("token_endpoint_auth_method: %s is not supported; use %s", clip(string(m)), list(SupportedAuthMethods()))
	}
	return nil
}

func checkScope(r Registration) *Error {
	if _, err := ParseScope(r.Scope); err != nil {
		return InvalidClientMetadata("scope: %s", AsError(err).Description)
	}
	return nil
}

// clip shortens what a request said, to be quoted in an error.
func clip(s string) string {
	const limit = 64
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

// list of words, to be read in an error.
func list[S ~string](words []S) string {
	text := make([]string, len(words))
	for i, word := range words {
		text[i] = string(word)
	}
	return strings.Join(text, ", ")
}
