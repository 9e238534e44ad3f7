package signin

import (
	"errors"
	"fmt"
	"strings"

	"clientele.dev/clientele/authserver/oauth"
)

// ClaimMapping names the claims that say who somebody is; empty members mean the
// name in brackets. A dot goes into an object, as in `realm_access.roles`, where
// no claim has the whole name.
//
// The subject is always `sub`: anything else may be given to somebody else one
// day (OpenID Connect Core, Section 5.7).
type ClaimMapping struct {
	Username      string // preferred_username
	Name          string // name
	Email         string // email
	EmailVerified string // email_verified
	Groups        string // groups
	// Roles and Tenant have no default: what people may do here, and whose they
	// are, is nothing that a provider should decide unasked.
	Roles, Tenant string
}

// claimSet are the claims of an ID token, UserInfo's added.
type claimSet map[string]any

// maxClaims bounds roles and groups; what is beyond, or too long, is left out.
const maxClaims = 256

// user makes a User of the claims.
func (m ClaimMapping) user(p Provider, claims claimSet) (User, error) {
	subject, _ := claims["sub"].(string)
	if subject == "" {
		return User{}, errors.New("sub is missing")
	}
	u := User{
		Subject:       oauth.UpstreamSubject(p.Issuer, subject),
		Source:        p.source(),
		Username:      claims.text(m.Username, "preferred_username"),
		Name:          claims.text(m.Name, "name"),
		Email:         claims.text(m.Email, "email"),
		EmailVerified: claims.isTrue(m.EmailVerified, "email_verified"),
	}
	var err error
	if u.Groups, err = claims.list(m.Groups, "groups"); err != nil {
		return User{}, err
	}
	if u.Roles, err = claims.list(m.Roles, ""); err != nil {
		return User{}, err
	}
	if u.Tenant, err = claims.word(m.Tenant); err != nil {
		return User{}, err
	}
	if u.Email == "" {
		u.EmailVerified = false
	}
	return u, nil
}

// text returns a claim for people to read; one that is no text, or has control
// characters, is left out.
func (c claimSet) text(name, standard string) string {
	s, _ := c.get(name, standard).(string)
	if !displayable(s) {
		return ""
	}
	return s
}

// isTrue takes "true" too: some providers send it as a string.
func (c claimSet) isTrue(name, standard string) bool {
	switch v := c.get(name, standard).(type) {
	case bool:
		return v
	case string:
		return v == "true"
	}
	return false
}

// list takes a list of strings, or one string. Anything else is an error, for
// what cannot be read must not look like "no roles" or "no groups".
func (c claimSet) list(name, standard string) ([]string, error) {
	var out []string
	switch v := c.get(name, standard).(type) {
	case nil:
		return nil, nil
	case string:
		out = appendClaim(out, v)
	case []any:
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, notAList(name, standard)
			}
			out = appendClaim(out, s)
		}
	default:
		return nil, notAList(name, standard)
	}
	return out, nil
}

// word takes a string that programs compare. As with list, one that cannot be read
// must not look like none.
func (c claimSet) word(name string) (string, error) {
	v := c.get(name, "")
	s, ok := v.(string)
	if v != nil && !ok || len(s) > maxItem || !displayable(s) {
		return "", fmt.Errorf("%s is not a string of at most %d bytes", name, maxItem)
	}
	return s, nil
}

func notAList(name, standard string) error {
	if name == "" {
		name = standard
	}
	return fmt.Errorf("%s is not a list of strings", name)
}

func appendClaim(out []string, s string) []string {
	if s == "" || len(s) > maxItem || !displayable(s) || len(out) == maxClaims {
		return out
	}
	return append(out, s)
}

func (c claimSet) get(name, standard string) any {
	if name == "" {
		name = standard
	}
	if v, ok := c[name]; ok || name == "" {
		return v
	}
	var at any = map[string]any(c)
	for part := range strings.SplitSeq(name, ".") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[part]
	}
	return at
}
