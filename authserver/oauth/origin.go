package oauth

import "slices"

// Bounds of origins.
const (
	// MaxOrigins is how many origins a client may register.
	MaxOrigins = 16
	// MaxOriginLength is how many bytes an origin may have.
	MaxOriginLength = 300
)

// ValidOrigin checks the origin of a page as browsers send it in the Origin
// header (RFC 6454, Section 7): https, or http on 127.0.0.1, [::1] or localhost,
// with host and, unless it is the default, port; without a slash at the end.
// Neither null nor a pattern is one: null is every sandboxed page. The error is
// an invalid_client_metadata.
func ValidOrigin(s string) error {
	if len(s) > MaxOriginLength {
		return InvalidClientMetadata("an origin has more than %d characters", MaxOriginLength)
	}
	u, wrong := parseWeb(s)
	switch {
	case wrong != "":
		return InvalidClientMetadata("an origin %s", wrong)
	case u.scheme == "http" && !u.loopback():
		return InvalidClientMetadata("an origin must be https; http is for 127.0.0.1, [::1] and localhost only")
	case u.rest != "":
		return InvalidClientMetadata("an origin ends after host and port, without a slash")
	case u.defaultPort():
		return InvalidClientMetadata("an origin must leave out the default port, as browsers do")
	}
	return nil
}

// MatchOrigin reports whether the value of an Origin header is among the
// registered ones, byte by byte.
func MatchOrigin(registered []string, origin string) bool {
	return slices.Contains(registered, origin) && ValidOrigin(origin) == nil
}

// AllowsOrigin reports whether pages of an origin may call the endpoints that a
// browser-only app needs for this client (CORS). Those are the origins it
// registered; a public client that registered none is called from where its
// redirect URIs lead, for the standard metadata of RFC 7591 cannot say it.
func (r Registration) AllowsOrigin(origin string) bool {
	if len(r.Origins) > 0 || r.TokenEndpointAuthMethod != AuthNone {
		return MatchOrigin(r.Origins, origin)
	}
	if ValidOrigin(origin) != nil {
		return false
	}
	return slices.ContainsFunc(r.RedirectURIs, func(s string) bool {
		uri, err := ParseRedirectURI(s)
		return err == nil && uri.kind != RedirectPrivateUse && uri.Origin() == origin
	})
}
