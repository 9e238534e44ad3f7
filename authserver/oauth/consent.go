package oauth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// What a consent covers.
//
// The namespace of a declared client answers for the client, and the NamespaceAccess for its
// redirect hosts. A consent to it holds at all its redirect URIs.
//
// Everything about a client that registered itself is the client's own claim. A consent to
// it holds at one place, which the consent page shows first (RFC 6749, Section 10.2; RFC
// 7591, Section 5), and ends when anything changes that the page said of the client.

// ConsentPlace returns the place at which a consent holds that a request with this redirect
// URI asks for; empty: at all redirect URIs.
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
	// Keeps access while the user is away: the client gets refresh tokens.
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

// ConsentPromise returns a hash of what must not change while a consent holds. For a client
// that registered itself this is everything that the page said of it; for a declared client
// only whether it gets refresh tokens.
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
