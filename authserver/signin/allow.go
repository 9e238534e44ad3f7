package signin

import (
	"fmt"
	"slices"
	"strings"
)

// Allow says who may sign in with an account of a provider. Each member that is not
// empty must be met, by any one of what it lists. The zero value allows everyone.
type Allow struct {
	// Domains of the e-mail address, which the provider must have verified.
	Domains []string
	// Claims that must have one of their values.
	Claims []AllowedClaim
	// Groups, by the claim that ClaimMapping names.
	Groups []string
	// Contact is shown to people who are not allowed: whom they can ask.
	Contact string
}

// AllowedClaim is a claim and the values that are allowed.
type AllowedClaim struct {
	Name   string
	Values []string
}

// NotAllowedError is that the provider signed a person in whom its settings do not
// allow. Its text is for the log.
type NotAllowedError struct {
	Reason string
	// Provider as people know it, and whom they can ask; may be empty.
	Provider, Contact string
}

func (e *NotAllowedError) Error() string {
	return "the settings of the provider (allow) do not allow this person: " + e.Reason
}

// check returns why a person is not allowed; empty: they are. A claim that cannot be
// read allows nobody.
func (a Allow) check(m ClaimMapping, claims claimSet) (reason string) {
	if len(a.Domains) > 0 {
		email, _ := claims.get(m.Email, "email").(string)
		at := strings.LastIndexByte(email, '@')
		switch {
		case at < 0:
			return "no e-mail address is known, and domains are listed"
		case !claims.isTrue(m.EmailVerified, "email_verified"):
			return "the e-mail address is not verified, and domains are listed"
		case !slices.ContainsFunc(a.Domains, func(d string) bool { return sameDomain(d, email[at+1:]) }):
			return fmt.Sprintf("domain %q is not listed", clip(email[at+1:], 253))
		}
	}
	for _, c := range a.Claims {
		if reason := allowed(claims.get(c.Name, ""), c.Values); reason != "" {
			return fmt.Sprintf("claim %s %s", c.Name, reason)
		}
	}
	if len(a.Groups) > 0 {
		if reason := allowed(claims.get(m.Groups, "groups"), a.Groups); reason != "" {
			return "the claim with the groups " + reason
		}
	}
	return ""
}

// sameDomain compares a listed domain, which is ASCII, with one of an address. Only the
// case of ASCII letters is ignored (RFC 4343, Section 3): strings.EqualFold takes two
// longer Unicode letters for k and s.
func sameDomain(listed, domain string) bool {
	return len(listed) == len(domain) && strings.EqualFold(listed, domain)
}

// allowed compares a claim's value, or one in its list, with what is listed.
func allowed(claim any, values []string) (reason string) {
	list, isList := claim.([]any)
	if !isList {
		list = []any{claim}
	}
	for _, item := range list {
		switch v := item.(type) {
		case string:
			if slices.Contains(values, v) {
				return ""
			}
		case bool:
			if slices.Contains(values, fmt.Sprint(v)) {
				return ""
			}
		case nil:
			if !isList {
				return "is missing"
			}
		default:
			return "is not text, true, false, or a list of these"
		}
	}
	return "has none of the listed values"
}

func (a Allow) equal(b Allow) bool {
	return a.Contact == b.Contact && slices.Equal(a.Domains, b.Domains) && slices.Equal(a.Groups, b.Groups) &&
		slices.EqualFunc(a.Claims, b.Claims, func(x, y AllowedClaim) bool { return x.Name == y.Name && slices.Equal(x.Values, y.Values) })
}
