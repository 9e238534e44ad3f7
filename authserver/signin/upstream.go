package signin

import (
	"cmp"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/sync/singleflight"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// Provider is an upstream OpenID provider, as the platform team configured it.
type Provider struct {
	// Name is in our callback's path and in Session.Source: 1 to 63 of a-z 0-9 -.
	Name string
	// DisplayName is on the button; empty: Name.
	DisplayName string
	// Issuer, character for character as its discovery document has it: https,
	// or http on loopback.
	Issuer       string
	ClientID     string
	ClientSecret credential.Secret // empty: a public client
	// Closed: nobody signs in there, for our secret is not known yet. Who did
	// stays signed in: the settings name the provider.
	Closed bool
	// Scopes asked for; openid is always. Empty: openid profile email.
	Scopes []string
	// UserInfo reads the claims of the UserInfo endpoint too, for providers whose
	// ID tokens are lean.
	UserInfo bool
	Claims   ClaimMapping
	// Allow says who may sign in with an account there.
	Allow Allow
}

// Equal reports whether both are the same.
func (p Provider) Equal(q Provider) bool {
	return slices.Equal(p.Scopes, q.Scopes) && p.Name == q.Name && p.DisplayName == q.DisplayName && p.Issuer == q.Issuer &&
		p.ClientID == q.ClientID && p.ClientSecret == q.ClientSecret && p.UserInfo == q.UserInfo && p.Closed == q.Closed &&
		p.Claims == q.Claims && p.Allow.equal(q.Allow)
}

// label is what people know the provider as.
func (p Provider) label() string { return cmp.Or(p.DisplayName, p.Name) }

// Upstreams are the configured providers: a snapshot; new settings make a new
// one with NewUpstreams.
type Upstreams struct {
	o         UpstreamOptions
	providers []*upstream
}

// UpstreamOptions are what NewUpstreams takes.
type UpstreamOptions struct {
	Providers []Provider
	// Issuer is ours, without a trailing slash: callbacks are at CallbackPath
	// below it.
	Issuer string
	// Client makes every request to a provider. It guards against private
	// addresses, follows no redirects, and bounds time and size.
	Client  *http.Client
	Keys    func() credential.ServerKeys
	Cookies Cookies
}

// CallbackPath is where, below the issuer, the provider of that name sends the
// browser back. Each has a path of its own, so that the answer of one cannot
// pass for another's (RFC 9700, Section 4.4).
func CallbackPath(name string) string { return "/oauth/callback/" + name }

// Choice is a provider on the sign-in page.
type Choice struct{ Name, DisplayName string }

// upstream is a provider and what its discovery said.
type upstream struct {
	Provider
	redirectURL string

	asking singleflight.Group
	mu     sync.Mutex
	known  discovery // guarded by mu
}

// NewUpstreams checks the providers. It asks nobody: a provider that is down at
// our start is asked when somebody wants to sign in there.
func NewUpstreams(o UpstreamOptions) (*Upstreams, error) {
	u := &Upstreams{o: o}
	for i, p := range o.Providers {
		if err := p.validate(); err != nil {
			return nil, fmt.Errorf("upstream provider %d (%s): %w", i, clip(p.Name, 63), err)
		}
		if u.find(p.Name) != nil {
			return nil, fmt.Errorf("upstream provider %d (%s): an earlier one has the same name", i, p.Name)
		}
		u.providers = append(u.providers, &upstream{Provider: p, redirectURL: o.Issuer + CallbackPath(p.Name)})
	}
	return u, nil
}

// Choices lists the providers for the sign-in page, in the order of the settings.
func (u *Upstreams) Choices() []Choice {
	if u == nil {
		return nil
	}
	out := make([]Choice, 0, len(u.providers))
	for _, p := range u.providers {
		if p.Closed {
			continue
		}
		out = append(out, Choice{p.Name, p.label()})
	}
	return out
}

// Vouches tells whether a source is a provider of the settings: the same issuer
// under the same name, and we the same client there.
func (u *Upstreams) Vouches(s store.Source) bool {
	p := u.find(s.Name)
	return p != nil && p.source() == s
}

// source is what people who sign in at the provider come from.
func (p Provider) source() store.Source {
	return store.Source{Name: p.Name, Issuer: p.Issuer, ClientID: p.ClientID}
}

func (u *Upstreams) find(name string) *upstream {
	if u == nil {
		return nil
	}
	i := slices.IndexFunc(u.providers, func(p *upstream) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return u.providers[i]
}

func (p Provider) scopes() []string {
	if len(p.Scopes) == 0 {
		return []string{oidc.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail}
	}
	if slices.Contains(p.Scopes, oidc.ScopeOpenID) {
		return p.Scopes
	}
	return append([]string{oidc.ScopeOpenID}, p.Scopes...)
}

func (p Provider) validate() error {
	switch {
	case !validProviderName(p.Name):
		return fmt.Errorf("name: want 1 to 63 of the characters a-z 0-9 -, and not %q", SourceLocal)
	case !displayable(p.DisplayName):
		return fmt.Errorf("displayName: want text on one line of at most %d bytes", maxDisplay)
	case !secureURL(p.Issuer):
		return fmt.Errorf("issuer: want an https URL without query or fragment, like https://login.example")
	case p.ClientID == "":
		return fmt.Errorf("clientID: missing")
	}
	return nil
}

func validProviderName(s string) bool {
	if s == "" || len(s) > 63 || s == SourceLocal {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// secureURL accepts https, and http on loopback addresses.
func secureURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
