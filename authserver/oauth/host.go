package oauth

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// webURL is an http or https URL of which there is only one spelling, so that a
// browser that normalizes it goes where the text says.
type webURL struct {
	scheme string
	// host is the name or address, an IPv6 address in brackets; port is empty if
	// the URL has none.
	host, port string
	// rest is everything after the authority.
	rest string
}

// loopback reports whether the host is this machine: the two addresses of RFC
// 8252, Section 7.3, and localhost, which RFC 9700, Section 2.1 counts with them
// and which MCP clients register. No other spelling of them is taken for one.
func (u webURL) loopback() bool {
	return u.host == "127.0.0.1" || u.host == "[::1]" || u.host == "localhost"
}

// origin is scheme, host and port as a browser writes them (RFC 6454, Section
// 6.2), without a default port.
func (u webURL) origin() string {
	if u.port == "" || u.defaultPort() {
		return u.scheme + "://" + u.host
	}
	return u.scheme + "://" + u.host + ":" + u.port
}

func (u webURL) defaultPort() bool {
	return u.scheme == "https" && u.port == "443" || u.scheme == "http" && u.port == "80"
}

// parseWeb splits an http or https URL. what is wrong is said as the end of a
// sentence that begins with the name of the member; it is empty if nothing is.
func parseWeb(s string) (u webURL, wrong string) {
	var found bool
	if u.scheme, s, found = strings.Cut(s, "://"); !found || u.scheme != "https" && u.scheme != "http" {
		return webURL{}, "must begin with https:// (http:// on 127.0.0.1, [::1] or localhost), in lower case"
	}
	authority := s
	if end := strings.IndexAny(s, "/?#"); end >= 0 {
		authority, u.rest = s[:end], s[end:]
	}
	if strings.Contains(authority, "@") {
		return webURL{}, "must have no user name"
	}
	u.host = authority
	if colon := strings.LastIndexByte(authority, ':'); colon > strings.LastIndexByte(authority, ']') {
		u.host, u.port = authority[:colon], authority[colon+1:]
		if !validPort(u.port) {
			return webURL{}, "has a bad port"
		}
	}
	if !validHost(u.host) {
		return webURL{}, "must name a host in lower case and ASCII (punycode), or an IP address in its usual form"
	}
	return u, ""
}

func validPort(port string) bool {
	n, err := strconv.Atoi(port)
	return err == nil && 0 < n && n <= 65535 && strconv.Itoa(n) == port
}

// validHost reports whether host is a DNS name of lower-case letters, digits,
// hyphens and underscores, or an IP address in the one spelling that browsers
// keep. What a browser would read as an address (127.1, 0x7f.1, 2130706433)
// must be one.
func validHost(host string) bool {
	if inner, found := strings.CutPrefix(host, "["); found {
		inner, found = strings.CutSuffix(inner, "]")
		addr, err := netip.ParseAddr(inner)
		return found && err == nil && addr.Is6() && !addr.Is4In6() && addr.Zone() == "" && addr.String() == inner
	}
	if host == "" || len(host) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(host, ".") {
		if !validHostLabel(label) {
			return false
		}
		last = label
	}
	if looksNumeric(last) {
		addr, err := netip.ParseAddr(host)
		return err == nil && addr.Is4()
	}
	return true
}

func validHostLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for i := range len(label) {
		if c := label[i]; !lowerOrDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// looksNumeric: a host whose last label is a number is an IPv4 address to a
// browser (WHATWG URL, "ends in a number").
func looksNumeric(label string) bool {
	if strings.HasPrefix(label, "0x") {
		return true
	}
	for i := range len(label) {
		if label[i] < '0' || label[i] > '9' {
			return false
		}
	}
	return true
}

// disguised reports whether percent-encoding in s hides what must not be there:
// control characters, a backslash, or another percent-encoding.
func disguised(s string) bool {
	for i := strings.IndexByte(s, '%'); i >= 0 && i+2 < len(s); {
		c := hexValue(s[i+1])<<4 | hexValue(s[i+2])
		if c < 0x20 || c == 0x7F || c == '\\' {
			return true
		}
		if c == '%' && i+4 < len(s) && hexDigit(s[i+3]) && hexDigit(s[i+4]) {
			return true
		}
		next := strings.IndexByte(s[i+3:], '%')
		if next < 0 {
			return false
		}
		i += 3 + next
	}
	return false
}

func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	default:
		return c - 'A' + 10
	}
}

// parses reports whether net/url, by which Go programs would read it, agrees
// with host and scheme.
func (u webURL) parses(s string) bool {
	parsed, err := url.Parse(s)
	if err != nil || parsed.User != nil || parsed.Scheme != u.scheme {
		return false
	}
	authority := u.host
	if u.port != "" {
		authority += ":" + u.port
	}
	return parsed.Host == authority
}
