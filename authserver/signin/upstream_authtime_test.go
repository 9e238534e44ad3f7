package signin

import (
	"errors"
	"testing"
	"time"
)

// When the person authenticated is what the ID token says, and where a new sign-in
// was asked for an old one is none (OpenID Connect Core, Sections 2 and 3.1.2.1).
func TestUpstreamAuthTime(t *testing.T) {
	at := func(d time.Duration) any { return noon.Add(d).Unix() }
	for name, c := range map[string]struct {
		said        any // nil: nothing
		want, fresh time.Time
		refused     error // of a new sign-in; nil: it is taken
		malformed   bool
	}{
		"just now":                       {said: at(0), want: noon, fresh: noon},
		"hours ago":                      {said: at(-2 * time.Hour), want: noon.Add(-2 * time.Hour), refused: ErrUpstreamDenied},
		"as far back as clocks differ":   {said: at(-time.Minute), want: noon.Add(-time.Minute), fresh: noon},
		"a second further":               {said: at(-61 * time.Second), want: noon.Add(-61 * time.Second), refused: ErrUpstreamDenied},
		"in the future":                  {said: at(time.Hour), want: noon, fresh: noon},
		"in a future that is no number":  {said: 1e300, want: noon, fresh: noon},
		"not said":                       {fresh: noon},
		"said to be never":               {said: 0, fresh: noon},
		"text":                           {said: "1767261600", malformed: true},
		"before the beginning":           {said: -1, malformed: true},
		"no number of seconds, but true": {said: true, malformed: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t, func(claims map[string]any) {
				if c.said != nil {
					claims["auth_time"] = c.said
				}
			})
			got, err := h.run(t, h.provider(), "")
			if c.malformed {
				if !errors.Is(err, ErrUpstreamFailed) || got.User.Subject != "" {
					t.Errorf("got %+v, %v", got.User, err)
				}
				return
			}
			if err != nil || !got.User.AuthTime.Equal(c.want) || h.asked.Has("prompt") || h.asked.Has("max_age") {
				t.Errorf("got %s, want %s, asked %v: %v", got.User.AuthTime, c.want, h.asked, err)
			}
			h.fresh = true
			got, err = h.run(t, h.provider(), "")
			if !errors.Is(err, c.refused) || !got.User.AuthTime.Equal(c.fresh) || (err == nil) != (got.User.Subject != "") || got.Return != "" {
				t.Errorf("a new sign-in: got %+v, want %s: %v", got.User, c.fresh, err)
			}
			if h.asked.Get("prompt") != "login" || h.asked.Get("max_age") != "0" {
				t.Errorf("asked %v", h.asked)
			}
		})
	}
}

// UserInfo is not signed, and knows of no particular sign-in.
func TestUpstreamAuthTimeIsTheIDTokens(t *testing.T) {
	h := newHostile(t, nil)
	p := h.provider()
	p.UserInfo = true
	h.userinfo = map[string]any{"sub": "4711", "auth_time": noon.Unix()}
	if got, err := h.run(t, p, ""); err != nil || !got.User.AuthTime.IsZero() {
		t.Errorf("got %s, %v", got.User.AuthTime, err)
	}
}

// An issuer elsewhere has no plain http, on loopback either.
func TestUpstreamEndpointsAreAsSecureAsTheIssuer(t *testing.T) {
	for _, c := range []struct {
		issuer, endpoint string
		want             bool
	}{
		{"https://idp.example", "https://idp.example/token?tenant=1", true},
		{"https://idp.example", "https://keys.example/jwks", true},
		{"https://idp.example", "http://idp.example/token", false},
		{"https://idp.example", "http://127.0.0.1:8081/metrics", false},
		{"https://idp.example", "", false},
		{"http://127.0.0.1:5556", "http://127.0.0.1:5556/token", true},
		{"http://127.0.0.1:5556", "http://10.1.2.3/token", false},
	} {
		if got := (&upstream{Provider: Provider{Issuer: c.issuer}}).secureEndpoint(c.endpoint); got != c.want {
			t.Errorf("%s at %s: %v", c.endpoint, c.issuer, got)
		}
	}
}
