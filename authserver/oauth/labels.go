package oauth

import "strings"

// ValidLabelKey reports whether key is a Kubernetes label key: an optional DNS
// subdomain and a slash, then a name of at most 63 characters.
func ValidLabelKey(key string) bool {
	prefix, name, found := strings.Cut(key, "/")
	if !found {
		return labelName(key)
	}
	return ValidSubdomain(prefix) && labelName(name)
}

// ValidLabelValue reports whether value is a Kubernetes label value: empty, or
// at most 63 of A-Z a-z 0-9 - _ . that begin and end with a letter or digit.
func ValidLabelValue(value string) bool {
	return value == "" || labelName(value)
}

func labelName(s string) bool {
	if s == "" || len(s) > 63 || !alphanumeric(s[0]) || !alphanumeric(s[len(s)-1]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// ValidNamespace reports whether s is a Kubernetes namespace name: an RFC 1123
// DNS label.
func ValidNamespace(s string) bool {
	return len(s) <= 63 && subdomainPart(s)
}

// ValidSubdomain reports whether s is a Kubernetes object name: an RFC 1123 DNS
// subdomain of at most 253 characters.
func ValidSubdomain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !subdomainPart(part) {
			return false
		}
	}
	return true
}

// subdomainPart is ValidNamespace without the limit of 63: Kubernetes limits
// object names only as a whole.
func subdomainPart(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !lowerOrDigit(c) && c != '-' {
			return false
		}
	}
	return true
}

func lowerOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
}
