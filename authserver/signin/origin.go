package signin

import (
	"errors"
	"net/http"
	"net/url"
)

// ErrForeignOrigin: another site's page sent the form.
var ErrForeignOrigin = errors.New("the form was sent by a page of another site")

// Origin is the origin (RFC 6454) of a URL such as the issuer, "" if it has none.
func Origin(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// CheckOrigin refuses a form (or a link that starts something) that a page of
// another origin sent: ErrForeignOrigin. own is the issuer's origin, never one
// made from the Host header. It comes before the CSRF token, not instead of it.
//
//   - Sec-Fetch-Site, where the browser sends it, decides: no page can forge it,
//     and it says same-origin even where Origin is `null`, as it is for our own
//     forms in a browser that sends no referrers.
//   - Otherwise Origin must be ours. `null` is refused: a sandboxed frame or a
//     data: page looks like that too, and our pages' own Referrer-Policy
//     (same-origin) keeps theirs from doing so.
//   - With neither it is no browser of the last ten years, or not a browser: no
//     cookies of a person to abuse; the token still has to be right.
//
// `none` (typed, or a bookmark) is let through to links, not to forms.
func CheckOrigin(r *http.Request, own string) error {
	site, origin := r.Header.Values("Sec-Fetch-Site"), r.Header.Values("Origin")
	if len(site) > 1 || len(origin) > 1 || own == "" {
		return ErrForeignOrigin
	}
	if len(site) == 1 {
		safe := r.Method == http.MethodGet || r.Method == http.MethodHead
		if site[0] == "same-origin" || site[0] == "none" && safe {
			return nil
		}
		return ErrForeignOrigin
	}
	if len(origin) == 1 && origin[0] != own {
		return ErrForeignOrigin
	}
	return nil
}
