package oauth

import (
	"slices"
	"strings"
)

// Bounds of a scope list.
const (
	// MaxScopes is how many scopes a list may name.
	MaxScopes = 100
	// MaxScopeLength is how many bytes a scope may have.
	MaxScopeLength = 128
)

// ParseScope splits a scope list (RFC 6749, Section 3.3). Repeated scopes are dropped,
// the order is kept. The grammar wants exactly one space between two; empty items are
// ignored, as every widely used server does, for apps send them. A list without any
// scope counts as left out, as a parameter without a value does (RFC 6749, Section
// 3.1). The error is an invalid_scope.
func ParseScope(s string) ([]string, error) {
	var scopes []string
	count := 0
	for scope := range strings.SplitSeq(s, " ") {
		if scope == "" {
			continue
		}
		if count++; count > MaxScopes {
			return nil, InvalidScope("scope names more than %d scopes", MaxScopes)
		}
		if err := ValidScope(scope); err != nil {
			return nil, err
		}
		if !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes, nil
}

// ValidScope checks a single scope: scope-token of RFC 6749, Section 3.3, at
// most MaxScopeLength bytes. The error is an invalid_scope.
func ValidScope(scope string) error {
	if scope == "" {
		return InvalidScope("a scope must not be empty")
	}
	if len(scope) > MaxScopeLength {
		return InvalidScope("a scope has more than %d characters", MaxScopeLength)
	}
	for i := range len(scope) {
		if !scopeChar(scope[i]) {
			return InvalidScope("a scope has a character other than %%x21 / %%x23-5B / %%x5D-7E (RFC 6749, Section 3.3)")
		}
	}
	return nil
}

// scopeChar is NQCHAR of RFC 6749, Appendix A.
func scopeChar(c byte) bool {
	return c > 0x20 && c < 0x7F && c != '"' && c != '\\'
}

// JoinScope is the inverse of ParseScope.
func JoinScope(scopes []string) string {
	return strings.Join(scopes, " ")
}
