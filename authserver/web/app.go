package web

import (
	"hash/fnv"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// App is a client as people see it. Everything in it may come from a stranger
// who registered it.
type App struct {
	ClientID string
	// Name; empty: the client id.
	Name string
	// Homepage, Policy (privacy) and Terms: https URLs, others are not shown.
	Homepage, Policy, Terms string
	// Logo is a path on our own origin (see the package comment), or empty.
	Logo string
	// Description in the words of those who run it.
	Description string
	// Operator says who runs it: the namespace that declared it. Empty: it
	// registered itself, and the page says that nobody checked it.
	Operator string
	// RedirectURIs that are registered: where it is.
	RedirectURIs []string
}

// DisplayName is the name, or what stands for it where nobody could read it.
func (a App) DisplayName() string {
	if name := clean(a.Name); readable(name) {
		return name
	}
	return clean(a.ClientID)
}

// Quoted is the name as it stands within a sentence of ours, where a stranger's long
// one could be a sentence of its own: clipped, and without quotation marks.
func (a App) Quoted() string {
	name := strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Quotation_Mark) {
			return '\''
		}
		return r
	}, a.DisplayName())
	return clip(name, maxQuoted)
}

// SafeLogo is the logo if it is a path on our origin.
func (a App) SafeLogo() string {
	if strings.HasPrefix(a.Logo, "/") && !strings.HasPrefix(a.Logo, "//") && !strings.ContainsAny(a.Logo, `\`) {
		return a.Logo
	}
	return ""
}

// Initials are up to two letters of the name.
func (a App) Initials() string {
	var out []rune
	for _, word := range strings.FieldsFunc(a.DisplayName(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		r, _ := utf8.DecodeRuneInString(word)
		out = append(out, unicode.ToUpper(r))
		if len(out) == 2 {
			break
		}
	}
	if len(out) == 0 {
		return "?"
	}
	return string(out)
}

// Tint is one of six colours, the same for an app every time.
func (a App) Tint() int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(a.ClientID))
	return int(h.Sum32() % 6)
}

// Place is where a redirect URI leads, which is what a person can check of an
// app: everything else about it is its own word.
type Place struct {
	// Kind is "web", "computer" (a loopback address), "device" (a scheme of the
	// app's own), or "" where there is none.
	Kind string
	// Host, or scheme for a device; ASCII, so that no letter looks like another.
	Host string
}

// Places are where the app is, each once, in the order in which it registered them.
func (a App) Places() []Place {
	var places []Place
	for _, uri := range a.RedirectURIs {
		place := placeOf(uri)
		if place.Kind == "computer" {
			place.Host = "" // every port is the same computer
		}
		if !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	return places
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

// placeOf reads a redirect URI.
func placeOf(redirectURI string) Place {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme == "" {
		return Place{}
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return Place{"device", u.Scheme}
	}
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); host == "localhost" || err == nil && addr.IsLoopback() {
		return Place{"computer", u.Host}
	}
	return Place{"web", strings.TrimSuffix(strings.TrimSuffix(u.Host, ":443"), ".")}
}
