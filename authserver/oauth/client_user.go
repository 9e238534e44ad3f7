package oauth

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of what a client says about itself to people.
const (
	// MaxPageLength is how many bytes client_uri, logo_uri, policy_uri and
	// tos_uri may have.
	MaxPageLength = 1024
	// MaxContacts is how many contacts a client may list, of MaxContactLength
	// characters.
	MaxContacts      = 10
	MaxContactLength = 254
	// MaxDescription is how many characters clientele_description may have.
	MaxDescription = 512
)

// Public reports whether the client has no way to authenticate (RFC 6749,
// Section 2.1).
func (r Registration) Public() bool {
	return r.TokenEndpointAuthMethod == AuthNone
}

// Two rules say when a user is not asked for consent. Both go by where the answer
// leads, for a public client that is a program on the user's machine could be any
// other program there (RFC 8252, Section 8.6).

// SkipsConsent reports whether a user is not asked, unless they took the app's access
// away: the platform team trusts the app. A public one must be reached at an address
// that is the app's alone, on the web; otherwise the user is asked as for any app.
func (r Registration) SkipsConsent(to RedirectURI) bool {
	return r.Managed != nil && r.Managed.Trusted && (!r.Public() || to.OnTheWeb())
}

// RemembersConsent reports whether a user is asked for nothing that was allowed
// before. Not for a public client that answers to a private-use scheme: any app on
// the device may claim that, and a code would reach it unseen. On loopback it is
// remembered (DIVERGENCES.md, RFC 8252).
func (r Registration) RemembersConsent(to RedirectURI) bool {
	return !r.Public() || to.kind == RedirectWeb || to.kind == RedirectLoopback
}

// PKCERequired reports whether an authorization request of the client must have a
// code challenge (OAuth 2.1 draft, Section 4.1.1; RFC 9700, Section 2.1.1).
func (r Registration) PKCERequired() bool {
	return r.Public() || r.Managed == nil || !r.Managed.PKCEOptional
}

// usesCode reports whether the client registers the authorization code grant,
// also by saying nothing (RFC 7591, Section 2).
func usesCode(r Registration) bool {
	return len(r.GrantTypes) == 0 || slices.Contains(r.GrantTypes, GrantAuthorizationCode)
}

// checkGrantsTogether: what a public client may not have, and what does not go
// without something else.
func checkGrantsTogether(r Registration) *Error {
	if authMethod(r) == AuthNone && slices.Contains(r.GrantTypes, GrantClientCredentials) {
		return InvalidClientMetadata("grant_types: %s is not for a client that does not authenticate (RFC 6749, Section 4.4)", GrantClientCredentials)
	}
	if !usesCode(r) && slices.Contains(r.GrantTypes, GrantRefreshToken) {
		return InvalidClientMetadata("grant_types: %s needs %s beside it", GrantRefreshToken, GrantAuthorizationCode)
	}
	return nil
}

func checkRedirectURIs(r Registration, schemes []string) *Error {
	switch n := len(r.RedirectURIs); {
	case n == 0 && usesCode(r) && len(r.GrantTypes) == 0:
		return InvalidRedirectURI("redirect_uris must list at least one: grant_types is missing, which means %s (RFC 7591, Section 2)", GrantAuthorizationCode)
	case n == 0 && usesCode(r):
		return InvalidRedirectURI("redirect_uris must list at least one for %s", GrantAuthorizationCode)
	case n > 0 && !usesCode(r):
		return InvalidRedirectURI("redirect_uris are for %s only, which grant_types does not list", GrantAuthorizationCode)
	case n > MaxRedirectURIs:
		return InvalidRedirectURI("redirect_uris must list at most %d", MaxRedirectURIs)
	}
	for i, s := range r.RedirectURIs {
		if _, err := ParseRedirectURI(s, schemes...); err != nil {
			return InvalidRedirectURI("redirect_uris[%d]: %s", i, AsError(err).Description)
		}
	}
	return nil
}

func checkResponseTypes(r Registration) *Error {
	for _, t := range r.ResponseTypes {
		if t != ResponseCode {
			return InvalidClientMetadata("response_types: %s is not supported; use %s", clip(string(t)), ResponseCode)
		}
	}
	if len(r.ResponseTypes) > 0 && !usesCode(r) {
		return InvalidClientMetadata("response_types: %s needs %s among grant_types (RFC 7591, Section 2.1)", ResponseCode, GrantAuthorizationCode)
	}
	switch r.ApplicationType {
	case "", ApplicationWeb, ApplicationNative:
		return nil
	}
	return InvalidClientMetadata("application_type must be %s or %s", ApplicationWeb, ApplicationNative)
}

func checkPostLogout(r Registration, schemes []string) *Error {
	if len(r.PostLogoutRedirectURIs) > MaxRedirectURIs {
		return InvalidClientMetadata("post_logout_redirect_uris must list at most %d", MaxRedirectURIs)
	}
	for i, s := range r.PostLogoutRedirectURIs {
		if _, err := ParseRedirectURI(s, schemes...); err != nil {
			return InvalidClientMetadata("post_logout_redirect_uris[%d]: %s", i, AsError(err).Description)
		}
	}
	if age := r.DefaultMaxAge; age != nil && (*age < 0 || *age > maxMaxAge) {
		return InvalidClientMetadata("default_max_age must be 0 to %d seconds", maxMaxAge)
	}
	return nil
}

// checkPages: what people are shown, and may follow, must be a page (A9).
func checkPages(r Registration) *Error {
	for _, page := range []struct{ member, url string }{
		{"client_uri", r.ClientURI}, {"logo_uri", r.LogoURI}, {"policy_uri", r.PolicyURI}, {"tos_uri", r.TOSURI},
	} {
		if wrong := badPage(page.url); wrong != "" {
			return InvalidClientMetadata("%s %s", page.member, wrong)
		}
	}
	if len(r.Contacts) > MaxContacts || slices.ContainsFunc(r.Contacts, func(c string) bool { return !textLine(c, MaxContactLength) }) {
		return InvalidClientMetadata("contacts must list at most %d, each text on one line of at most %d characters", MaxContacts, MaxContactLength)
	}
	if !textLine(r.Description, MaxDescription) {
		return InvalidClientMetadata("clientele_description must be text on one line of at most %d characters", MaxDescription)
	}
	return nil
}

// badPage says what is wrong with the URL of a page; empty: nothing, or there is
// none. http is not refused, since it is only a link that a person may follow.
func badPage(s string) string {
	if s == "" {
		return ""
	}
	if len(s) > MaxPageLength {
		return "is too long"
	}
	if !uriChars(strings.ReplaceAll(s, "#", "")) {
		return "has a character that must be percent-encoded"
	}
	u, wrong := parseWeb(s)
	if wrong == "" && !u.parses(s) {
		wrong = "is not a URL"
	}
	return wrong
}

func textLine(s string, limit int) bool {
	return utf8.RuneCountInString(s) <= limit && Displayable(s)
}
