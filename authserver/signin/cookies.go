package signin

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"clientele.dev/clientele/authserver/credential"
)

// Cookies knows the names and attributes of our cookies.
//
// Every name carries a hash of the issuer: cookies ignore ports, so a second
// server on the same host would otherwise overwrite ours. On https names begin
// with `__Host-`, which browsers only accept with Secure, Path=/ and without a
// Domain: no neighbouring host can plant one. On http (loopback only) that
// prefix is impossible.
//
// All are HttpOnly, for no page of ours has a script that would read them, and
// SameSite=Lax: the browser must bring them when a client's site, or an upstream
// provider, sends it here by a link or a redirect, and must not when another
// site posts a form.
type Cookies struct {
	prefix string
	secure bool
}

// NewCookies derives the names from the issuer, an http or https URL.
func NewCookies(issuer string) (Cookies, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return Cookies{}, fmt.Errorf("cookie names: the issuer must be an https URL (http on loopback only), like https://login.example")
	}
	c := Cookies{prefix: "clientele-" + credential.Hash(issuer)[:8] + "-", secure: u.Scheme == "https"}
	if c.secure {
		c.prefix = "__Host-" + c.prefix
	}
	return c, nil
}

// NewCookieValue makes a value for a pre-session cookie: 256 random bits. Those
// of sessions are made by Sessions.Start.
func NewCookieValue() credential.Secret { return random() }

// random is 256 random bits of A-Z 2-7.
func random() credential.Secret {
	return credential.Secret(credential.NewID() + credential.NewID())
}

// Session is the cookie of a session, which the browser keeps for lifetime: see
// Sessions.CookieLifetime. Whatever it keeps, the session ends at the server.
func (c Cookies) Session(value credential.Secret, lifetime time.Duration) *http.Cookie {
	return c.cookie("session", value.Reveal(), lifetime)
}

// PreSession is the cookie of a browser in which nobody has signed in yet: what
// forms and pending requests are bound to.
func (c Cookies) PreSession(value credential.Secret) *http.Cookie {
	return c.cookie("visit", value.Reveal(), 0)
}

// EndSession removes the session cookie.
func (c Cookies) EndSession() *http.Cookie { return c.cookie("session", "", -time.Second) }

// ReadSession returns the value of the session cookie of a request, "" if there
// is none.
func (c Cookies) ReadSession(r *http.Request) credential.Secret { return c.read(r, "session") }

// ReadPreSession returns the value of the pre-session cookie of a request, "" if
// there is none.
func (c Cookies) ReadPreSession(r *http.Request) credential.Secret { return c.read(r, "visit") }

// cookie builds one; without a lifetime most browsers drop it when they are closed,
// with a negative one it removes what is there.
func (c Cookies) cookie(name, value string, lifetime time.Duration) *http.Cookie {
	cookie := &http.Cookie{
		Name: c.prefix + name, Value: value, Path: "/",
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		MaxAge: int(lifetime / time.Second),
	}
	return cookie
}

// read returns "" where a name comes twice with different values: on http a
// neighbour can plant a second one, and nothing tells which is ours.
func (c Cookies) read(r *http.Request, name string) credential.Secret {
	found := r.CookiesNamed(c.prefix + name)
	if len(found) == 0 {
		return ""
	}
	for _, other := range found[1:] {
		if other.Value != found[0].Value {
			return ""
		}
	}
	return credential.Secret(found[0].Value)
}
