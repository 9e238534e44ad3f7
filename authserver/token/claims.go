package token

import (
	"strconv"
	"unicode/utf8"
)

// AccessClaims are the claims of an access token (RFC 9068, Section 2.2). Empty
// strings are left out.
type AccessClaims struct {
	// Issuer is `iss`, character for character the issuer of the metadata.
	Issuer string
	// Subject is `sub`: for client_credentials the client id.
	Subject string
	// ClientID is `client_id`.
	ClientID string
	// Scope is `scope`: the granted scopes, separated by single spaces.
	Scope string
	// JTI is `jti`.
	JTI string
	// Audience is `aud`, a single string: a token is for one resource.
	Audience string
	// Roles is `roles` (RFC 9068, Section 2.2.3.1): those of the user's that the
	// granted scopes need.
	Roles []string
	// Tenant is `tenant`, a claim of ours: the one that the user belongs to.
	Tenant string
	// IssuedAt is `iat`, Expires `exp`: Unix seconds.
	IssuedAt int64
	Expires  int64
}

// appendJSON appends the claims as a JSON object.
func (c *AccessClaims) appendJSON(b []byte) []byte {
	b = append(b, '{')
	b = appendMember(b, `"iss":`, c.Issuer)
	b = appendMember(b, `"sub":`, c.Subject)
	b = appendMember(b, `"aud":`, c.Audience)
	b = appendMember(b, `"client_id":`, c.ClientID)
	b = appendMember(b, `"scope":`, c.Scope)
	b = appendMember(b, `"jti":`, c.JTI)
	b = appendList(b, `"roles":`, c.Roles)
	b = appendMember(b, `"tenant":`, c.Tenant)
	b = append(b, `"iat":`...)
	b = strconv.AppendInt(b, c.IssuedAt, 10)
	b = append(b, `,"exp":`...)
	b = strconv.AppendInt(b, c.Expires, 10)
	return append(b, '}')
}

// appendMember appends a member and a comma; nothing if the value is empty.
func appendMember(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, name...)
	return append(appendString(b, value), ',')
}

// appendList is appendMember for an array.
func appendList(b []byte, name string, values []string) []byte {
	if len(values) == 0 {
		return b
	}
	b = append(b, name...)
	for i, value := range values {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		b = appendString(append(b, separator), value)
	}
	return append(b, ']', ',')
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string (RFC 8259, Section 7). What is not
// UTF-8 becomes U+FFFD, as with encoding/json.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size != 1 {
				i += size
				continue
			}
		}
		b = appendEscape(append(b, s[start:i]...), c)
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// appendEscape appends a byte that cannot stand in a JSON string as it is.
func appendEscape(b []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c >= utf8.RuneSelf:
		return append(b, "\uFFFD"...)
	default:
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
	}
}

func quote(s string) []byte { return appendString(nil, s) }
