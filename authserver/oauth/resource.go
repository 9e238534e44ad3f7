package oauth

import (
	"net/url"
	"strings"
)

// MaxResourceLength is how many bytes a resource identifier may have.
const MaxResourceLength = 512

// ValidResource checks a resource identifier: an absolute URI without a fragment
// (RFC 8707, Section 2). It must also be spelled in one way only, for it is
// compared byte by byte (as aud by the API, by prefix to find its owner): scheme
// and host in lower case, no user name, no dot segments. The error is an
// invalid_target.
func ValidResource(resource string) error {
	if len(resource) > MaxResourceLength {
		return InvalidTarget("the resource has more than %d characters", MaxResourceLength)
	}
	if strings.Contains(resource, "#") {
		return InvalidTarget("the resource must have no fragment (RFC 8707, Section 2)")
	}
	if !uriCharsOnly(resource) {
		return InvalidTarget("the resource has a character that RFC 3986 does not allow; percent-encode it")
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
	case u.Host != strings.ToLower(u.Host):
		return InvalidTarget("the resource's host must be in lower case")
	case hasDotSegment(u.Path):
		return InvalidTarget("the resource must have no . or .. segments")
	}
	return nil
}

// hasDotSegment looks at the decoded path, so %2e%2e is seen too.
func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// uriCharsOnly reports whether s has only characters of RFC 3986, Section 2.
func uriCharsOnly(s string) bool {
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && strings.IndexByte("-._~:/?#[]@!$&'()*+,;=%", c) < 0 {
			return false
		}
	}
	return true
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
// Section 2): the server's default resource if the client registered it or
// registered none, else the first that the client registered.
func DefaultTarget(registered []string, defaultResource string) string {
	for _, resource := range registered {
		if resource == defaultResource {
			return defaultResource
		}
	}
	if len(registered) > 0 {
		return registered[0]
	}
	return defaultResource
}
