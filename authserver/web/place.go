package web

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"clientele.dev/clientele/authserver/oauth"
)

// Place is where a redirect URI leads, which is what a person can check of an
// app: everything else about it is its own word.
type Place struct {
	// Kind is "web", "computer" (this one), "device" (a scheme of the app's own), or ""
	// where there is none.
	Kind string
	// Host with a port that is not the default, or scheme for a device; ASCII, so that no
	// letter looks like another. Pages never cut it: what is cut could be the part that
	// tells whose it is.
	Host string
}

// placeOf reads a redirect URI, or its origin.
func placeOf(redirectURI string) Place {
	u, err := url.Parse(redirectURI)
	switch {
	case err != nil || u.Scheme == "":
		return Place{}
	case u.Scheme != "https" && u.Scheme != "http":
		return Place{"device", u.Scheme}
	case oauth.OnThisComputer(u.Hostname()):
		return Place{"computer", u.Host}
	}
	return Place{"web", strings.TrimSuffix(strings.TrimSuffix(u.Host, ":443"), ".")}
}

// PlaceNamed reads what oauth.RedirectURI.Place gives.
func PlaceNamed(name string) Place {
	if name == oauth.PlaceThisComputer {
		return Place{Kind: "computer"}
	}
	return placeOf(name)
}

// Places are where the app is, each once, in the order in which it registered them.
func (a App) Places() []Place {
	var places []Place
	for _, uri := range a.RedirectURIs {
		if place := placeOf(uri).general(); !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	return places
}

// general is the place without the port on this computer: every port is the same
// computer.
func (p Place) general() Place {
	if p.Kind == "computer" {
		p.Host = ""
	}
	return p
}

// Site is the end of the host that tells whose it is: the registrable domain (Public
// Suffix List), with the port; all of a host that has none. Front is what stands before
// it, with the dot, and tells nothing: anybody can have www.google.com.evil.example.
func (p Place) Site() string {
	site := siteOf(p.hostname())
	return site + p.Host[len(p.hostname()):]
}

// Front: see Site.
func (p Place) Front() string {
	return strings.TrimSuffix(p.Host, p.Site())
}

// hostname is the host without its port; an IPv6 address keeps its brackets.
func (p Place) hostname() string {
	if colon := strings.LastIndexByte(p.Host, ':'); colon > strings.LastIndexByte(p.Host, ']') {
		return p.Host[:colon]
	}
	return p.Host
}

// siteOf is the registrable domain of a host; all of it if it has none.
func siteOf(host string) string {
	site, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil || strings.HasPrefix(host, "[") || net.ParseIP(host) != nil {
		return host
	}
	return site
}

// Has says whether a page is of the place's own site. A link to another one would lend
// it that one's name.
func (p Place) Has(page string) bool {
	u, err := url.Parse(page)
	return err == nil && p.Kind == "web" && siteOf(u.Hostname()) == siteOf(p.hostname())
}

// Words are the place within a sentence.
func (p Place) Words() string {
	switch p.Kind {
	case "web":
		return p.Host
	case "computer":
		return "an app on this computer"
	case "device":
		return "an app on this device"
	}
	return "an app"
}

// Begins are the words where a sentence begins.
func (p Place) Begins() string {
	if rest, ok := strings.CutPrefix(p.Words(), "an app"); ok && p.Kind != "web" {
		return "An app" + rest
	}
	return p.Words()
}
