package oauth

import "strings"

// SelfRules are what a server's settings say about clients that register themselves.
type SelfRules struct {
	// Issuer of the server.
	Issuer string
	// PrivateUseSchemes without a period that redirect URIs may have.
	PrivateUseSchemes []string
	// Declared says whether a declared client is answered at a host: a stranger's client
	// must not be taken for it (RFC 6749, Section 10.2). Nil: it makes no difference.
	Declared func(host string) bool
}

// redirectParser is ParseRedirectURI, or one that accepts less.
type redirectParser func(s string, schemes ...string) (RedirectURI, error)

// acceptableToAnybody is ParseRedirectURI without the private-use schemes that
// nobody permitted.
func acceptableToAnybody(s string, schemes ...string) (RedirectURI, error) {
	uri, err := ParseRedirectURI(s, schemes...)
	if err == nil && uri.kind == RedirectPrivateUse && qualified(uri.Host()) {
		permitted := ""
		if len(schemes) > 0 {
			permitted = ", or of a scheme that the server permits"
		}
		return RedirectURI{}, InvalidRedirectURI("a redirect URI must be https, or http on 127.0.0.1, [::1] or localhost%s: nobody vouches for who answers to its scheme", permitted)
	}
	return uri, err
}

// redirectsOf are the redirect URIs that a client gets (RFC 7591, Section 3.2.1: the
// server may replace what was asked for, and says what is registered). Left out are
// those that would be good but for where they lead: private-use schemes that are not
// permitted, and http beyond loopback. Whatever is malformed or means harm has the
// whole request refused, and so has one of which nothing is left, with a reason for
// each.
func (rules SelfRules) redirectsOf(asked []string, parse redirectParser) ([]string, error) {
	if len(asked) > MaxRedirectURIs {
		return nil, InvalidRedirectURI("redirect_uris must list at most %d", MaxRedirectURIs)
	}
	var kept, reasons []string
	for i, s := range asked {
		_, err := parse(s, rules.PrivateUseSchemes...)
		switch {
		case err == nil:
			kept = append(kept, s)
			continue
		case !elsewhere(s):
			return nil, InvalidRedirectURI("redirect_uris[%d]: %s", i, AsError(err).Description)
		}
		reasons = append(reasons, InvalidRedirectURI("redirect_uris[%d]: %s", i, AsError(err).Description).Description)
	}
	if len(kept) == 0 && len(reasons) > 0 {
		return nil, InvalidRedirectURI("%s", strings.Join(reasons, "; "))
	}
	return kept, nil
}

// elsewhere says of a redirect URI that is not acceptable that it would be but for
// its scheme.
func elsewhere(s string) bool {
	if rest, plain := strings.CutPrefix(s, "http://"); plain {
		s = "https://" + rest
	}
	_, err := ParseRedirectURI(s, AnyPrivateUse)
	return err == nil
}

// notDeclared refuses what a stranger sends to the host of a declared client.
func (rules SelfRules) notDeclared(r Registration) error {
	for i, s := range r.RedirectURIs {
		if rules.declared(s) {
			return InvalidRedirectURI("redirect_uris[%d] is at the host of a client that is declared here", i)
		}
	}
	for i, s := range r.PostLogoutRedirectURIs {
		if rules.declared(s) {
			return InvalidClientMetadata("post_logout_redirect_uris[%d] is at the host of a client that is declared here", i)
		}
	}
	return nil
}

// declared says that a URL is at the host of a declared client, at whatever port.
func (rules SelfRules) declared(s string) bool {
	u, wrong := parseWeb(s)
	return rules.Declared != nil && wrong == "" && rules.Declared(u.host)
}

// notOurs refuses what a stranger sends to the server's own host: no app is there
// that nobody declared, and what the server answers at its own addresses must not
// become a callback. Declared clients may share the host, as with
// an issuer that has a path; the redirectHosts of their NamespaceAccess say so.
func (rules SelfRules) notOurs(r Registration) error {
	for i, s := range r.RedirectURIs {
		if rules.ours(s) {
			return InvalidRedirectURI("redirect_uris[%d] is at this server's own host", i)
		}
	}
	for i, s := range r.PostLogoutRedirectURIs {
		if rules.ours(s) {
			return InvalidClientMetadata("post_logout_redirect_uris[%d] is at this server's own host", i)
		}
	}
	return nil
}

// ours says that a URL is at the issuer's host, at whatever port; on loopback, where
// everybody is, at its port.
func (rules SelfRules) ours(s string) bool {
	issuer, wrong := parseWeb(strings.ToLower(rules.Issuer))
	u, wrongToo := parseWeb(s)
	if wrong != "" || wrongToo != "" {
		return false
	}
	if issuer.loopback() {
		return u.origin() == issuer.origin()
	}
	return u.host == issuer.host
}
