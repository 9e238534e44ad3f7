package oauth

// MatchRedirect reports whether a client that registered some redirect URIs may
// be answered at the one asked for. They are compared byte by byte (RFC 9700,
// Section 2.1), with one exception: the port of a loopback URI is the client's to
// choose each time, whether or not it registered one (RFC 8252, Section 7.3).
// Scheme, host, path and query must be the same even then, and 127.0.0.1, [::1]
// and localhost are three hosts. What ParseRedirectURI refuses matches nothing,
// even if it was registered, as with a scheme that is not among schemes any more.
func MatchRedirect(registered []string, asked string, schemes ...string) bool {
	uri, err := ParseRedirectURI(asked, schemes...)
	if err != nil {
		return false
	}
	for _, r := range registered {
		if r == asked || uri.kind == RedirectLoopback && sameLoopback(r, uri) {
			return true
		}
	}
	return false
}

func sameLoopback(registered string, asked RedirectURI) bool {
	r, err := ParseRedirectURI(registered)
	return err == nil && r.kind == RedirectLoopback && r.web.host == asked.web.host && r.web.rest == asked.web.rest
}

// SelectRedirect returns where to answer an authorization request: the URI asked
// for, if MatchRedirect, or, where none was asked for, the only one registered
// (RFC 6749, Section 3.1.2.3). The error is an invalid_request that must be shown
// to the user and never be sent to a redirect URI (RFC 6749, Section 4.1.2.1).
func SelectRedirect(registered []string, asked string, schemes ...string) (RedirectURI, error) {
	switch {
	case asked == "" && len(registered) == 1:
		asked = registered[0]
	case asked == "":
		return RedirectURI{}, InvalidRequest("redirect_uri is missing, and the client has not registered exactly one")
	case !MatchRedirect(registered, asked, schemes...):
		return RedirectURI{}, InvalidRequest("redirect_uri is not one that the client registered: they are compared character by character (but for the port on loopback)")
	}
	uri, err := ParseRedirectURI(asked, schemes...)
	if err != nil {
		return RedirectURI{}, InvalidRequest("the registered redirect URI is not valid").WithCause(err)
	}
	return uri, nil
}
