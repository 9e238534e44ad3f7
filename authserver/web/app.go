package web

import (
	"hash/fnv"
	"net/netip"
	"net/url"
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
}

// DisplayName is the name, or what stands for it.
func (a App) DisplayName() string {
	if name := clean(a.Name); name != "" {
		return name
	}
	return clean(a.ClientID)
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

// webURL returns s if it is an https URL (or http), else "".
func webURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return s
}

// harmless is clean without a limit, for sentences of our own.
func harmless(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

const maxShown = 200 // characters of any text from outside

// clean makes text from outside fit for one line: no control and no bidirectional
// characters, and not endless. Escaping is the template's.
func clean(s string) string {
	s = harmless(s)
	if utf8.RuneCountInString(s) > maxShown {
		s = string([]rune(s)[:maxShown]) + "…"
	}
	return s
}
