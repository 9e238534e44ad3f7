package endpoint

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"time"

	"clientele.dev/clientele/authserver/clientauth"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/peer"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/token"
	"clientele.dev/clientele/authserver/web"
)

// Settings are what an AuthorizationServer object says to its server.
type Settings struct {
	// Issuer identifier (RFC 8414, Section 2), without trailing slash.
	Issuer string
	// DefaultResource is `aud` where none is asked for; empty: the issuer.
	DefaultResource string
	// Algorithm of access tokens, "ES256" or "RS256"; empty: ES256.
	Algorithm string
	// IDTokenAlgorithm of ID tokens, the same; empty: RS256, which is what a client
	// expects that was told nothing (OpenID Connect Core 1.0, Section 2).
	IDTokenAlgorithm string
	// AccessTokenLifetime is the longest; zero: 15 minutes.
	AccessTokenLifetime time.Duration
	// CodeLifetime of authorization codes; zero: a minute.
	CodeLifetime time.Duration
	// RefreshLifetime ends a chain of refresh tokens however much it is used;
	// zero: 720 hours. RefreshIdle ends one that is not used; zero: the same.
	RefreshLifetime, RefreshIdle time.Duration
	// RefreshRetryWindow is how long a refresh token that was used gives its
	// successor once more; zero: 30 seconds.
	RefreshRetryWindow time.Duration
	// SessionLifetime ends somebody's session at a browser however much it is used,
	// SessionIdle one that is not used; zero: see signin.Sessions.
	SessionLifetime, SessionIdle time.Duration
	// JWKSMaxAge is how long verifiers may cache the keys.
	JWKSMaxAge time.Duration
	// Registration says who but registrars may register clients. Zero: nobody.
	Registration RegistrationSettings
	// SignIn says how many wrong passwords there may be.
	SignIn signin.Limits
	// Users says that people sign in here. Without it what is for people is neither
	// advertised nor there: authorization and its grants, userinfo, logout, account.
	Users bool
	// TrustedProxies are networks whose X-Forwarded-For is believed, as
	// peer.ParseProxies reads them.
	TrustedProxies []string
	// OutboundAllow are networks beside the public internet that the server may
	// fetch from, as outbound.ParseAllow reads them.
	OutboundAllow []string
}

// Equal reports whether both say the same.
func (s Settings) Equal(other Settings) bool { return reflect.DeepEqual(s, other) }

// Defaults of Settings.
const (
	defaultLifetime     = 15 * time.Minute
	defaultCodeLifetime = time.Minute
	defaultRefresh      = 720 * time.Hour
	defaultRetryWindow  = 30 * time.Second
)

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
	identity   *token.IDMinter // nil with minter
	proxies    peer.Proxies
	cookies    signin.Cookies
	pages      *web.Pages
	assets     http.Handler
	origin     string // of the issuer
	issuerPath string
	base       string // the endpoints' base URL
	version    string // of the program
	metadata   document
	jwks       document
}

// ViewConfig is what a View is made of. Settings are required.
type ViewConfig struct {
	Settings   Settings
	Signing    keys.Set              // zero: none yet
	ServerKeys credential.ServerKeys // zero: none yet
	Clients    func(clientID string) (*registry.Client, bool)
	// Version of the program, for the metadata. Empty: it is not told.
	Version string
}

// NewView makes a View. It fails if a setting or a key is invalid.
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
		version:    c.Version,
		base:       c.Settings.Issuer,
	}
	if v.proxies, err = peer.ParseProxies(c.Settings.TrustedProxies); err != nil {
		return nil, fmt.Errorf("trustedProxies: %w", err)
	}
	v.terms = terms(c.Settings)
	if err := v.preparePages(); err != nil {
		return nil, err
	}
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

// preparePages prepares what people see.
func (v *View) preparePages() (err error) {
	v.origin = signin.Origin(v.Settings.Issuer)
	if v.cookies, err = signin.NewCookies(v.Settings.Issuer); err != nil {
		return err
	}
	if v.pages, err = web.New(web.Options{Issuer: v.Settings.Issuer}); err != nil {
		return err
	}
	v.assets = v.pages.Assets()
	return nil
}

func terms(s Settings) *grant.Terms {
	t := &grant.Terms{
		Terms: rights.Terms{
			Issuer:              s.Issuer,
			DefaultResource:     cmp.Or(s.DefaultResource, s.Issuer),
			AccessTokenLifetime: orDefault(s.AccessTokenLifetime, defaultLifetime),
		},
		CodeLifetime:       orDefault(s.CodeLifetime, defaultCodeLifetime),
		RefreshLifetime:    orDefault(s.RefreshLifetime, defaultRefresh),
		PrivateUseSchemes:  s.Registration.PrivateUseSchemes,
		RefreshRetryWindow: orDefault(s.RefreshRetryWindow, defaultRetryWindow),
	}
	t.RefreshIdle = orDefault(s.RefreshIdle, t.RefreshLifetime)
	return t
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
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
	// While an algorithm that was just asked for has no active key yet, another
	// one's goes on signing.
	access, signs := v.Signing.ActiveOr(cmp.Or(v.Settings.Algorithm, keys.ES256))
	identity, _ := v.Signing.ActiveOr(cmp.Or(v.Settings.IDTokenAlgorithm, keys.RS256))
	if !signs {
		return nil
	}
	if v.minter, err = token.NewMinter(access); err != nil {
		return err
	}
	v.identity, err = token.NewIDMinter(identity)
	return err
}

// CanSign says whether there is an active signing key.
func (v *View) CanSign() bool { return v.minter != nil }

// ServerKeysID identifies the server keys; empty: there are none yet.
func (v *View) ServerKeysID() string { return v.serverKeys.ID }

// SameServerKeys says whether the view was made with these.
func (v *View) SameServerKeys(k credential.ServerKeys) bool { return v.serverKeys.Equal(k) }
