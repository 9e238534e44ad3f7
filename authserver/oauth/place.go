package oauth

import (
	"net/netip"
	"strings"
)

// PlaceThisComputer is the Place of every redirect URI that leads to the user's own
// computer.
const PlaceThisComputer = "this computer"

// Place names where a redirect URI leads: the origin of a URL (RFC 6454, Section 6.2),
// PlaceThisComputer whatever the port, or the scheme of an app with its colon. What differs
// between two URIs of one Place, such as the path, tells people nothing.
func (r RedirectURI) Place() string {
	if r.kind != RedirectPrivateUse && OnThisComputer(r.web.host) {
		return PlaceThisComputer
	}
	return r.Origin()
}

// OnTheWeb reports whether the URI leads to a host on the web. An https URL of this computer
// does not: any program there can answer.
func (r RedirectURI) OnTheWeb() bool {
	return r.kind == RedirectWeb && !OnThisComputer(r.web.host)
}

// OnThisComputer reports whether a browser finds a host on its own computer: loopback
// addresses, localhost, and every name below it (RFC 6761, Section 6.3). An IPv6 address
// may have brackets.
func OnThisComputer(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && (addr.IsLoopback() || addr.IsUnspecified())
}
