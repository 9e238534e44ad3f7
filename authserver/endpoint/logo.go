package endpoint

import (
	"bytes"
	"net/http"
	"time"

	"clientele.dev/clientele/authserver/logo"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/web"
)

// logo is GET /oauth/logo/{client_id}: the logo that a client registered, from our
// own origin. Whether there is no such client, it has no logo, or its logo cannot
// be had is one answer; pages then show initials.
func (s *Server) logo(x *exchange) int {
	image, ok := s.findLogo(x)
	h := x.w.Header()
	// Whatever somebody gets a browser to make of the bytes, it runs nothing.
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if !ok {
		h["Cache-Control"] = noStore
		http.Error(x.w, "not found", http.StatusNotFound)
		return http.StatusNotFound
	}
	h.Set("Cache-Control", "public, max-age=600")
	h.Set("Content-Type", image.Type)
	h.Set("ETag", image.ETag)
	w := &recorder{ResponseWriter: x.w, status: http.StatusOK}
	http.ServeContent(w, x.r, "", time.Time{}, bytes.NewReader(image.Bytes))
	return w.status
}

func (s *Server) findLogo(x *exchange) (logo.Image, bool) {
	c, ok := s.Registry.Client(x.rest)
	if !ok || c.LogoURI == "" || s.Logos == nil {
		return logo.Image{}, false
	}
	if c.Managed != nil {
		return s.Logos.Declared.Get(x.r.Context(), c.LogoURI, func() bool { return true })
	}
	return s.Logos.SelfRegistered.Get(x.r.Context(), c.LogoURI, func() bool {
		together := x.view.Settings.Registration.WithDefaults().PerMinute
		return s.logoFetches.takeBoth(c.ClientID, logoFetchesPerMinute, together, s.Now()) == 0
	})
}

// logoFetchesPerMinute is how many logos are fetched for a client that registered
// itself, which may name another with every change.
const logoFetchesPerMinute = 2

// app is a client as pages show it.
func (s *Server) app(v *View, c *registry.Client) web.App {
	a := web.App{
		ClientID: c.ClientID, Name: c.ClientName, Description: c.Description,
		Homepage: c.ClientURI, Policy: c.PolicyURI, Terms: c.TOSURI, RedirectURIs: c.RedirectURIs,
	}
	if s.Logos != nil && c.LogoURI != "" {
		a.Logo = v.issuerPath + logoPrefix + c.ClientID
	}
	if m := c.Managed; m != nil {
		a.Operator = m.OwnerDisplay
		if a.Operator == "" {
			a.Operator = m.Owner.Namespace
		}
	}
	return a
}
