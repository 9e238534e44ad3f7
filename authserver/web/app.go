package web

import (
	"hash/fnv"
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
