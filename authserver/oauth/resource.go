package oauth

import (
	"net/url"
	"slices"
	"strings"
)

// MaxResourceLength is how many bytes a resource identifier may have.
const MaxResourceLength = 512

// ValidResource checks a resource identifier as it is declared: an absolute URI without
// a fragment (RFC 8707, Section 2). The API compares it with aud byte by byte, and its
// owner is found by prefix; so what another program might take for the same as
// something else is refused: upper case in scheme or host, a user name, a default port,
// dot segments. A request may spell it otherwise: see FindResource. The error is an
// invalid_target.
func ValidResource(resource string) error {
	if len(resource) > MaxResourceLength {
		return InvalidTarget("the resource has more than %d characters", MaxResourceLength)
	}
	if strings.Contains(resource, "#") {
		return InvalidTarget("the resource must have no fragment (RFC 8707, Section 2)")
	}
	if !uriChars(resource) {
		return InvalidTarget("the resource has a character that must be percent-encoded, or a bad percent-encoding (RFC 3986, Section 2)")
	}
	u, err := url.Parse(resource)
	if err != nil || u.Scheme == "" || len(u.Scheme)+1 == len(resource) {
		return InvalidTarget("the resource must be an absolute URI, like https://api.example (RFC 8707, Section 2)")
	}
	return oneSpelling(resource, u)
}

func oneSpelling(resource string, u *url.URL) error {
	switch {
	case !strings.HasPrefix(resource, u.Scheme+":"): // url.Parse lowers the scheme
		return InvalidTarget("the resource's scheme must be in lower case")
	case (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() == "":
		return InvalidTarget("the resource must name a host, like https://api.example")
	case u.User != nil:
		return InvalidTarget("the resource must have no user name")
	case !plainHost(u.Host):
		return InvalidTarget("the resource's host must be in lower case and ASCII (punycode)")
	case strings.HasSuffix(u.Host, ":"), u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		return InvalidTarget("the resource must leave out the default port")
	case hasDotSegment(u.Path), hasDotSegment(u.Opaque):
		return InvalidTarget("the resource must have no . or .. segments")
	}
	return nil
}

// FindResource returns the declared resource that a request means, in the declared
// spelling, which becomes aud: the same text, or else an equivalent URI (RFC 3986,
// Sections 6.2.2.1 and 6.2.3). Programs that parse a URL and write it again add the
// slash of an empty path.
func FindResource(declared []string, named string) (string, bool) {
	if slices.Contains(declared, named) {
		return named, true
	}
	canonical := CanonicalResource(named)
	for _, resource := range declared {
		if CanonicalResource(resource) == canonical {
			return resource, true
		}
	}
	return "", false
}

// CanonicalResource writes scheme and host in lower case, leaves out the default port,
// and writes an empty path as a slash. Everything else is left as it is.
func CanonicalResource(resource string) string {
	scheme, rest, found := strings.Cut(resource, ":")
	if !found {
		return resource
	}
	scheme = lowerASCII(scheme)
	rest, found = strings.CutPrefix(rest, "//")
	if !found {
		return scheme + ":" + rest
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, path := lowerASCII(rest[:end]), rest[end:]
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return scheme + "://" + host + path
}

// lowerASCII leaves alone what is not ASCII: some of that has ASCII in lower case.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// plainHost reports whether a host needs no further normalization.
func plainHost(host string) bool {
	for i := range len(host) {
		if c := host[i]; c >= 0x80 || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// hasDotSegment sees %2e%2e too: path is decoded already, and what is opaque is
// decoded here as far as it matters.
func hasDotSegment(path string) bool {
	path = strings.NewReplacer("%2e", ".", "%2E", ".", "%2f", "/", "%2F", "/").Replace(path)
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// uriChars reports whether s has only characters of RFC 3986, Section 2, each %
// with two hexadecimal digits.
func uriChars(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c == '%' && (i+2 >= len(s) || !hexDigit(s[i+1]) || !hexDigit(s[i+2])) {
			return false
		}
		if !alphanumeric(c) && strings.IndexByte("-._~:/?#[]@!$&'()*+,;=%", c) < 0 {
			return false
		}
	}
	return true
}

func hexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// EffectiveResources are the resources a client may have tokens for: those it
// registered, or the server's default resource if it registered none. The result
// may be registered itself; do not change it.
func EffectiveResources(registered []string, defaultResource string) []string {
	if len(registered) > 0 {
		return registered
	}
	return []string{defaultResource}
}

// DefaultTarget is the resource of a token request that names none (RFC 8707,
// Section 2): the first that the client registered, or the server's default
// resource if it registered none.
func DefaultTarget(registered []string, defaultResource string) string {
	return EffectiveResources(registered, defaultResource)[0]
}
