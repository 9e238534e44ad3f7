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
	// logos: the page shows logos of apps, from our own origin. They are objects
	// and not images, for of these only an object shows something else where it
	// cannot be had, without a script.
	logos bool
	// script: the page has our script (assets/submit.js).
	script bool
	// referrer overrides the Referrer-Policy.
	referrer string
}

// String is the policy for the header.
func (p policy) String() string {
	directives := []string{"default-src 'none'", "style-src 'self'", "img-src 'self'"}
	if p.logos {
		directives = append(directives, "object-src 'self'")
	}
	if p.script {
		directives = append(directives, "script-src 'self'")
	}
	targets := []string{"'self'"}
	if p.onlyThere {
		targets = nil
	}
	targets = append(targets, formTargets(p.redirectURI)...)
	if len(targets) == 0 {
		targets = []string{"'none'"}
	}
	directives = append(directives, "form-action "+strings.Join(targets, " "), "base-uri 'none'", "frame-ancestors 'none'")
	return strings.Join(directives, "; ")
}

// formTargets are the CSP sources that let a form end at a redirect URI. What
// cannot be written as a source safely is left out, and the browser then stops at
// the redirect.
//
// Chromium holds every redirect of the chain that a form sets off against
// form-action, the app's own ones too, and many apps send people on to another
// host (www after login, a broker to who asked it). So for an app on the web it is
// every https address; one on loopback is named, and may send people on to https;
// and of an app that claimed a scheme it is that scheme.
//
// The grammar of sources has no IPv6 addresses (CSP Level 3, Section 2.3.1), so
// that a redirect to http://[::1]:port/ needs the whole scheme.
func formTargets(redirectURI string) []string {
	u, err := url.Parse(redirectURI)
	if err != nil || u.Scheme == "" {
		return nil
	}
	switch u.Scheme {
	case "https", "http":
		if u.Host == "" || strings.Trim(u.Host, hostCharacters) != "" && !isIPv6(u) {
			return nil
		}
		if u.Scheme == "https" {
			return []string{"https:"}
		}
		if isIPv6(u) {
			return []string{"http:", "https:"}
		}
		return []string{"http://" + u.Host, "https:"}
	case "javascript", "data", "blob", "vbscript", "about", "file", "filesystem":
		return nil
	}
	return []string{u.Scheme + ":"} // url.Parse lets only letters, digits, + - . through
}

func isIPv6(u *url.URL) bool {
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.Is6()
}

const hostCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:"

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
