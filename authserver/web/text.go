package web

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// webURL returns s if it is an https URL (or http), else "".
func webURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return s
}

// Bounds of text from outside, in characters.
const (
	maxShown  = 200 // of any
	maxQuoted = 40  // within a sentence of ours
	maxMarks  = 2   // combining ones per letter
)

// clean makes text from outside fit for one line: nothing invisible, nothing that
// turns the text around or piles up beyond its line, and not endless. Escaping is the
// template's.
func clean(s string) string { return clip(harmless(s), maxShown) }

func clip(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:limit]), " ") + "…"
}

// harmless is clean without a limit, for sentences of our own.
func harmless(s string) string {
	marks := maxMarks // no letter yet that one could stand on
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			marks = maxMarks
			return ' '
		case r == utf8.RuneError, unicode.IsControl(r), invisible(r):
			return -1
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > maxMarks {
				return -1
			}
			return r
		}
		marks = 0
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// invisible tells whether nothing is to be seen of a character: those that Unicode
// says to ignore where they mean nothing (Default_Ignorable_Code_Point, UAX #44; all
// of Cf besides, some of which turn text around), and letters and symbols that are
// drawn as blanks.
func invisible(r rune) bool {
	switch r {
	case '\u2800', '\U00013441', '\U00013442', '\U0001d159':
		return true
	}
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// readable tells whether there is a letter or a digit.
func readable(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
}
