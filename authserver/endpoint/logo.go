package endpoint

import (
	"bytes"
	"net/http"
	"time"

	"clientele.dev/clientele/authserver/logo"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/web"
)

// logo is GET /oauth/logo/{client_id}: the logo of a declared client, from our own
// origin. An unknown client, a client without a logo and a logo that cannot be had get
// the same answer; pages then show initials.
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
	if !ok || !s.hasLogo(c) {
		return logo.Image{}, false
	}
	return s.Logos.Get(x.r.Context(), c.LogoURI)
}

// hasLogo: only a declared client has one; see package logo.
func (s *Server) hasLogo(c *registry.Client) bool {
	return s.Logos != nil && c.Managed != nil && c.LogoURI != ""
}

// app is a client as pages show it.
func (s *Server) app(v *View, c *registry.Client) web.App {
	a := web.App{
		ClientID: c.ClientID, Name: c.ClientName, Description: c.Description,
		Homepage: c.ClientURI, Policy: c.PolicyURI, Terms: c.TOSURI, RedirectURIs: c.RedirectURIs,
	}
	if s.hasLogo(c) {
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
