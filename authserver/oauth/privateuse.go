package oauth

import (
	"slices"
	"strings"
)

// MaxPrivateUseSchemes is how many schemes without a period a server may permit.
const MaxPrivateUseSchemes = 16

// AnyPrivateUse, in a list of private-use schemes, means each that
// ValidPrivateUseScheme permits.
const AnyPrivateUse = "*"

// reservedSchemes are those that browsers and operating systems understand
// themselves, or hand to anything at all. localhost is a host whose scheme was
// forgotten.
var reservedSchemes = []string{
	"about", "blob", "chrome", "content", "data", "feed", "file", "filesystem", "ftp", "ftps", "http", "https", "intent", "jar",
	"javascript", "ldap", "ldaps", "localhost", "mailto", "resource", "sftp", "smb", "sms", "ssh", "tel", "telnet", "urn",
	"vbscript", "view-source", "ws", "wss",
}

// ValidPrivateUseScheme reports whether a scheme without a period can be permitted
// for redirect URIs: up to 63 lower-case letters, digits and hyphens, the first a
// letter, and none that means something to browsers or operating systems. RFC 8252,
// Section 7.1 wants a domain in reverse instead, which nobody else has by accident;
// apps that are in wide use do without.
func ValidPrivateUseScheme(s string) bool {
	return len(s) <= 63 && subdomainPart(s) && 'a' <= s[0] && s[0] <= 'z' &&
		!strings.HasPrefix(s, "ms-") && !slices.Contains(reservedSchemes, s)
}

// privateScheme returns the scheme of s if it can be a private-use one: a domain in
// reverse, of letters and digits parted by periods and hyphens, or one that
// ValidPrivateUseScheme permits. Otherwise "".
func privateScheme(s string) string {
	scheme, _, found := strings.Cut(s, ":")
	if !found || scheme == "" || scheme[0] < 'a' || scheme[0] > 'z' {
		return ""
	}
	if qualified(scheme) && ValidSubdomain(scheme) || ValidPrivateUseScheme(scheme) {
		return scheme
	}
	return ""
}

// qualified says that a private-use scheme is a domain in reverse.
func qualified(scheme string) bool { return strings.Contains(scheme, ".") }

// permitted says that a private-use scheme may be used where these are permitted.
func permitted(scheme string, schemes []string) bool {
	return qualified(scheme) || slices.Contains(schemes, scheme) || slices.Contains(schemes, AnyPrivateUse)
}
