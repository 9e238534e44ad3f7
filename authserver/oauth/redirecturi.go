package oauth

import (
	"net/url"
	"strings"
)

// Bounds of redirect URIs.
const (
	// MaxRedirectURIs is how many redirect URIs a client may register.
	MaxRedirectURIs = 32
	// MaxRedirectURILength is how many bytes a redirect URI may have. A pending
	// authorization request, which holds one, must fit into 4 KiB.
	MaxRedirectURILength = 1024
)

// RedirectKind tells where a redirect URI leads.
type RedirectKind uint8

// The kinds of redirect URIs.
const (
	// RedirectWeb is an https URL.
	RedirectWeb RedirectKind = iota + 1
	// RedirectLoopback is an http URL on 127.0.0.1, [::1] or localhost (RFC 8252,
	// Section 7.3): a program on the user's machine.
	RedirectLoopback
	// RedirectPrivateUse is a URI of a scheme that an app on the user's device
	// claims, as a rule named by a domain in reverse (RFC 8252, Section 7.1).
	RedirectPrivateUse
)

// RedirectURI is a redirect URI that keeps the rules of ParseRedirectURI. The
// zero value is none.
type RedirectURI struct {
	raw  string
	kind RedirectKind
	web  webURL // unless private-use
}

// ParseRedirectURI checks a redirect URI (RFC 6749, Section 3.1.2; RFC 8252;
// RFC 9700, Section 2.1). It is one of
//
//   - https with a host, of any port;
//   - http on 127.0.0.1, [::1] or localhost. RFC 8252, Section 8.3 prefers the
//     addresses, but RFC 9700 speaks of localhost, and so do MCP clients;
//   - a private-use scheme with a period in it, in lower case and followed by a
//     slash, like com.example.app:/callback (RFC 8252, Sections 7.1 and 8.4: one
//     without a period could be anybody's, and javascript: is one of those);
//   - one of schemes in the same way: those without a period that the server's
//     settings permit (ValidPrivateUseScheme), or AnyPrivateUse.
//
// Since redirect URIs are compared byte by byte, each has one spelling only: no
// user name, no fragment, no character that must be encoded, no upper case in
// scheme or host, no dot segments, nothing hidden by encoding it, or encoding it
// twice. Its query must not have the names of the answer's own parameters. The
// error is an invalid_redirect_uri and does not repeat the URI.
func ParseRedirectURI(s string, schemes ...string) (RedirectURI, error) {
	if err := checkURIText(s); err != nil {
		return RedirectURI{}, err
	}
	var r RedirectURI
	var err *Error
	switch scheme := privateScheme(s); {
	case scheme == "":
		r, err = parseWebRedirect(s)
	case permitted(scheme, schemes):
		r, err = parsePrivateUse(s)
	default:
		err = InvalidRedirectURI("a redirect URI's private-use scheme must be a domain in reverse, as in com.example.app:/callback (RFC 8252, Section 7.1), or one that the AuthorizationServer permits (registration.privateUseSchemes)")
	}
	if err != nil {
		return RedirectURI{}, err
	}
	return r, nil
}

// checkURIText is what holds for the redirect URIs of every kind.
func checkURIText(s string) error {
	switch {
	case s == "":
		return InvalidRedirectURI("a redirect URI must not be empty")
	case len(s) > MaxRedirectURILength:
		return InvalidRedirectURI("a redirect URI has more than %d characters", MaxRedirectURILength)
	case strings.Contains(s, "#"):
		return InvalidRedirectURI("a redirect URI must have no fragment (RFC 6749, Section 3.1.2)")
	case !uriChars(s):
		return InvalidRedirectURI("a redirect URI has a character that must be percent-encoded, or a bad percent-encoding (RFC 3986, Section 2)")
	case disguised(s):
		return InvalidRedirectURI("a redirect URI has an encoded control character or backslash, or something encoded twice")
	}
	path, query, _ := strings.Cut(s, "?")
	if hasDotSegment(path) {
		return InvalidRedirectURI("a redirect URI must have no . or .. segments")
	}
	return checkRedirectQuery(query)
}

// checkRedirectQuery: a parameter of the answer that is there twice would be
// read as the one or as the other (RFC 6749, Section 3.1 forbids it).
func checkRedirectQuery(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return InvalidRedirectURI("the query of a redirect URI must be name=value pairs parted by &")
	}
	for _, name := range []string{"code", "state", "iss", "error", "error_description", "error_uri", "response"} {
		if values.Has(name) {
			return InvalidRedirectURI("the query of a redirect URI must not have the parameter %s, which the answer may have", name)
		}
	}
	return nil
}

func parseWebRedirect(s string) (RedirectURI, *Error) {
	u, wrong := parseWeb(s)
	if wrong == "" && !u.parses(s) {
		wrong = "is not a URL"
	}
	if wrong != "" {
		return RedirectURI{}, InvalidRedirectURI("a redirect URI %s", wrong)
	}
	kind := RedirectWeb
	if u.scheme == "http" {
		if !u.loopback() {
			return RedirectURI{}, InvalidRedirectURI("a redirect URI must be https; http is for 127.0.0.1, [::1] and localhost only (RFC 8252, Section 7.3)")
		}
		kind = RedirectLoopback
	}
	return RedirectURI{raw: s, kind: kind, web: u}, nil
}

// parsePrivateUse: RFC 8252, Section 7.1 writes them with one slash. Two, and
// what looks like a host, are common and are taken as well.
func parsePrivateUse(s string) (RedirectURI, *Error) {
	rest := s[len(privateScheme(s))+1:]
	if !strings.HasPrefix(rest, "/") {
		return RedirectURI{}, InvalidRedirectURI("a redirect URI of a private-use scheme must go on with a slash, like com.example.app:/callback (RFC 8252, Section 7.1)")
	}
	if authority, found := strings.CutPrefix(rest, "//"); found {
		if end := strings.IndexAny(authority, "/?"); end >= 0 {
			authority = authority[:end]
		}
		if authority != "" && !validHost(authority) {
			return RedirectURI{}, InvalidRedirectURI("a redirect URI must have no user name or port after a private-use scheme, and its host in lower case")
		}
	}
	if u, err := url.Parse(s); err != nil || u.User != nil {
		return RedirectURI{}, InvalidRedirectURI("a redirect URI is not a URI")
	}
	return RedirectURI{raw: s, kind: RedirectPrivateUse}, nil
}

// String is the URI as it was given.
func (r RedirectURI) String() string { return r.raw }

// Kind tells where the URI leads; 0 for the zero value.
func (r RedirectURI) Kind() RedirectKind { return r.kind }

// Host is where the answer goes, for people to see: the host name without port;
// of a private-use scheme the scheme.
func (r RedirectURI) Host() string {
	if r.kind == RedirectPrivateUse {
		return privateScheme(r.raw)
	}
	return r.web.host
}

// Origin is scheme, host and port as a browser writes them (RFC 6454, Section
// 6.2), and of a private-use scheme the scheme with its colon. Both are sources
// of a Content-Security-Policy, but that no browser takes one with an IPv6
// address.
func (r RedirectURI) Origin() string {
	switch r.kind {
	case RedirectPrivateUse:
		return privateScheme(r.raw) + ":"
	case RedirectWeb, RedirectLoopback:
		return r.web.origin()
	}
	return ""
}

// Location is the URI with the parameters of an answer added to its query, which
// is retained (RFC 6749, Sections 3.1.2 and 4.1.2), sorted by name.
func (r RedirectURI) Location(parameters url.Values) string {
	added := parameters.Encode()
	switch {
	case added == "":
		return r.raw
	case !strings.Contains(r.raw, "?"):
		return r.raw + "?" + added
	case strings.HasSuffix(r.raw, "?"), strings.HasSuffix(r.raw, "&"):
		return r.raw + added
	}
	return r.raw + "&" + added
}
