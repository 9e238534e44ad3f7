package endpoint

import (
	"net/url"
	"time"

	"clientele.dev/clientele/authserver/clientauth"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/token"
)

// Settings are what an AuthorizationServer object says to its server.
type Settings struct {
	// Issuer identifier (RFC 8414, Section 2), without trailing slash.
	Issuer string
	// DefaultResource is `aud` where none is asked for; empty: the issuer.
	DefaultResource string
	// Algorithm of access tokens, "ES256" or "RS256"; empty: ES256.
	Algorithm string
	// AccessTokenLifetime is the longest; zero: 15 minutes.
	AccessTokenLifetime time.Duration
	// JWKSMaxAge is how long verifiers may cache the keys.
	JWKSMaxAge time.Duration
	// Registration says who but registrars may register clients. Zero: nobody.
	Registration RegistrationSettings
}

// defaultLifetime of access tokens (DESIGN: 15 minutes).
const defaultLifetime = 15 * time.Minute

// View is everything that can change while the server runs, as one immutable
// snapshot: a request works with one View from beginning to end.
type View struct {
	Settings Settings
	// KeySetRevision is keys.Set.Revision of the keys that are served; empty:
	// there are none yet.
	KeySetRevision string
	// Signing are the keys, for metrics; the private parts are never shown.
	Signing keys.Set

	terms      *grant.Terms
	verifier   *clientauth.Verifier // nil: no server keys
	serverKeys credential.ServerKeys
	minter     *token.Minter   // nil: no active signing key
	tokens     *token.Verifier // nil: no signing keys
	issuerPath string
	base       string // the endpoints' base URL
	metadata   document
	jwks       document
}

// ViewConfig is what a View is made of. Settings are required.
type ViewConfig struct {
	Settings   Settings
	Signing    keys.Set              // zero: none yet
	ServerKeys credential.ServerKeys // zero: none yet
	Clients    func(clientID string) (*registry.Client, bool)
}

// NewView makes a View. It fails if the issuer is no URL, or a key is of no use.
func NewView(c ViewConfig) (*View, error) {
	issuer, err := url.Parse(c.Settings.Issuer)
	if err != nil {
		return nil, err
	}
	v := &View{
		Settings:   c.Settings,
		Signing:    c.Signing,
		serverKeys: c.ServerKeys,
		issuerPath: issuer.Path,
		base:       c.Settings.Issuer,
	}
	v.terms = terms(c.Settings)
	if c.ServerKeys.ID != "" {
		v.verifier = clientauth.NewVerifier(c.ServerKeys, c.Clients)
	}
	if err := v.sign(); err != nil {
		return nil, err
	}
	if v.metadata, err = newMetadata(v); err != nil {
		return nil, err
	}
	return v, nil
}

func terms(s Settings) *grant.Terms {
	t := &grant.Terms{Issuer: s.Issuer, DefaultResource: s.DefaultResource, AccessTokenLifetime: s.AccessTokenLifetime}
	if t.DefaultResource == "" {
		t.DefaultResource = s.Issuer
	}
	if t.AccessTokenLifetime <= 0 {
		t.AccessTokenLifetime = defaultLifetime
	}
	return t
}

// sign prepares what needs the signing keys.
func (v *View) sign() error {
	if len(v.Signing.Keys) == 0 {
		return nil
	}
	v.KeySetRevision = v.Signing.Revision()
	v.tokens = token.NewVerifier(v.Signing, v.Settings.Issuer)
	var err error
	if v.jwks, err = newJWKS(v); err != nil {
		return err
	}
	// While an algorithm that was just changed to has no active key yet, the old
	// one's goes on signing.
	signer, ok := v.Signing.ActiveOr(v.algorithm())
	if !ok {
		return nil
	}
	v.minter, err = token.NewMinter(signer)
	return err
}

func (v *View) algorithm() string {
	if v.Settings.Algorithm == "" {
		return keys.ES256
	}
	return v.Settings.Algorithm
}

// CanSign says whether there is an active signing key.
func (v *View) CanSign() bool { return v.minter != nil }

// ServerKeysID identifies the server keys; empty: there are none yet.
func (v *View) ServerKeysID() string { return v.serverKeys.ID }

// SameServerKeys says whether the view was made with these.
func (v *View) SameServerKeys(k credential.ServerKeys) bool { return v.serverKeys.Equal(k) }
