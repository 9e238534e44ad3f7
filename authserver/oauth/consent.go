package oauth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// What a consent covers. A declared client is vouched for by its namespace, and its
// redirect hosts by the AuthorizationServer: a consent holds wherever it leads. Of a
// client that registered itself everything is its own word. A consent to it holds at the
// one place that the user saw at the head of the page (RFC 6749, Section 10.2; RFC 7591,
// Section 5), and only while the client is what the page said.

// ConsentPlace is the place at which a consent holds, given on the way to a redirect URI;
// empty: it holds everywhere.
func (r Registration) ConsentPlace(to RedirectURI) string {
	if r.Managed != nil {
		return ""
	}
	return to.Place()
}

// Promise is what the consent page says of a client.
type Promise struct {
	Name         string   `json:"name,omitempty"`
	Description  string   `json:"description,omitempty"`
	Homepage     string   `json:"homepage,omitempty"`
	Logo         string   `json:"logo,omitempty"`
	Policy       string   `json:"policy,omitempty"`
	Terms        string   `json:"terms,omitempty"`
	RedirectURIs []string `json:"redirect_uris,omitempty"`
	// Keeps: the client gets refresh tokens.
	Keeps bool `json:"keeps,omitempty"`
}

// Promise lists what the consent page says of the client.
func (r Registration) Promise() Promise {
	return Promise{
		Name: r.ClientName, Description: r.Description,
		Homepage: r.ClientURI, Logo: r.LogoURI, Policy: r.PolicyURI, Terms: r.TOSURI,
		RedirectURIs: sortedSet(r.RedirectURIs),
		Keeps:        slices.Contains(r.GrantTypes, GrantRefreshToken),
	}
}

// ConsentPromise is a hash of what must not change while a consent holds: everything that
// the page said of a client that registered itself, and of a declared one that it gets, or
// does not get, refresh tokens.
func (r Registration) ConsentPromise() string {
	p := r.Promise()
	if r.Managed != nil {
		p = Promise{Keeps: p.Keeps}
	}
	// Marshal cannot fail: there are only strings and booleans.
	text, _ := json.Marshal(p)
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}
