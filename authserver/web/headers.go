package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// policy is what differs between the Content Security Policies of our pages.
type policy struct {
	// redirectURI of the client that a form of this page may end at: browsers
	// hold every redirect after a form against form-action.
	redirectURI string
	// onlyThere: the form posts to redirectURI itself, and to nothing of ours.
	onlyThere bool
	// script: the page has our script.
	script bool
	// referrer overrides the Referrer-Policy.
	referrer string
}

// String is the policy for the header.
func (p policy) String() string {
	directives := []string{"default-src 'none'", "style-src 'self'", "img-src 'self'"}
	if p.script {
		directives = append(directives, "script-src 'self'")
	}
	targets := []string{"'self'"}
	if p.onlyThere {
		targets = nil
	}
	if source := formTarget(p.redirectURI); source != "" {
		targets = append(targets, source)
	}
	if len(targets) == 0 {
		targets = []string{"'none'"}
	}
	directives = append(directives, "form-action "+strings.Join(targets, " "), "base-uri 'none'", "frame-ancestors 'none'")
	return strings.Join(directives, "; ")
}

// formTarget is the CSP source of a redirect URI: its origin, or its scheme where
// an app claimed one of its own. What cannot be written as a source safely is
// left out, and the browser then stops at the redirect.
//
// The grammar of sources has no IPv6 addresses (CSP Level 3, Section 2.3.1), so
// that a redirect to http://[::1]:port/ needs the whole scheme.
func formTarget(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme == "" {
		return ""
	}
	switch u.Scheme {
	case "https", "http":
		if addr, err := netip.ParseAddr(u.Hostname()); err == nil && addr.Is6() {
			return u.Scheme + ":"
		}
		if u.Host == "" || strings.Trim(u.Host, hostCharacters) != "" {
			return ""
		}
		return u.Scheme + "://" + u.Host
	case "javascript", "data", "blob", "vbscript", "about", "file", "filesystem":
		return ""
	}
	return u.Scheme + ":" // url.Parse lets only letters, digits, + - . through
}

const hostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:"

// setHeaders sets what every page has.
//
// The Referrer-Policy is same-origin and not no-referrer, for with that one the
// browser would send our own forms with `Origin: null`, and we could not tell
// them from a stranger's.
func setHeaders(h http.Header, p policy) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", p.String())
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	referrer := p.referrer
	if referrer == "" {
		referrer = "same-origin"
	}
	h.Set("Referrer-Policy", referrer)
}
