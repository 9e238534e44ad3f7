package signin

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

type discovered struct {
	provider *oidc.Provider
	config   oauth2.Config
	// issInResponse: the provider promises `iss` in its answers (RFC 9207).
	issInResponse bool
	// prompts that the provider knows (Initiating User Registration via OpenID Connect
	// 1.0, Section 4.2); nil: it does not say.
	prompts []string
}

const (
	discoveryAge   = time.Hour       // then it is read again
	discoveryPause = 5 * time.Second // after a failure
)

// discovery is what came of asking a provider.
type discovery struct {
	found    *discovered // nil: nothing yet
	foundAt  time.Time
	failed   error // of the last try; nil: it went well
	failedAt time.Time
	// noChoice: it answered prompt=select_account with an error.
	noChoice bool
}

// discover reads the provider's discovery document, or has it from an hour ago
// at most. While a provider cannot be asked, or is being asked, what it said
// before stays good. However many want to sign in, one asks, so that a provider
// that is slow keeps each of them waiting once, and not one after the other.
func (p *upstream) discover(ctx context.Context, client *http.Client, now time.Time) (*discovered, error) {
	known := p.discovery()
	if known.settled(now) {
		return known.answer()
	}
	answer := p.asking.DoChan("", func() (any, error) {
		if known := p.discovery(); known.settled(now) { // by who asked since we looked
			return known.answer()
		}
		found, err := p.ask(context.WithoutCancel(ctx), client) // whoever came first may go away
		p.note(found, err, now)
		return found, err
	})
	if known.found != nil {
		return known.found, nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case result := <-answer:
		found, _ := result.Val.(*discovered)
		return found, result.Err
	}
}

func (p *upstream) discovery() discovery {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known
}

// settled: there is no need, or no sense, in asking.
func (d discovery) settled(now time.Time) bool {
	return d.found != nil && now.Sub(d.foundAt) < discoveryAge ||
		d.failed != nil && now.Sub(d.failedAt) < discoveryPause
}

// answer of a discovery that is settled.
func (d discovery) answer() (*discovered, error) {
	if d.found != nil {
		return d.found, nil
	}
	return nil, d.failed
}

func (p *upstream) note(found *discovered, err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.known.failed, p.known.failedAt = err, now
		return
	}
	p.known = discovery{found: found, foundAt: now}
}

func (p *upstream) ask(ctx context.Context, client *http.Client) (*discovered, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), p.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discovery of %s: %w", p.Issuer, quiet(err))
	}
	var more struct {
		AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
		IssInResponse bool     `json:"authorization_response_iss_parameter_supported"`
		JWKSURI       string   `json:"jwks_uri"`
		UserInfo      string   `json:"userinfo_endpoint"`
		Prompts       []string `json:"prompt_values_supported"`
	}
	if err := provider.Claims(&more); err != nil {
		return nil, fmt.Errorf("discovery of %s: not the members of OpenID Connect Discovery", p.Issuer)
	}
	endpoint := provider.Endpoint()
	for _, used := range []struct {
		name, url string
		optional  bool
	}{
		{"authorization_endpoint", endpoint.AuthURL, false},
		{"token_endpoint", endpoint.TokenURL, false},
		{"jwks_uri", more.JWKSURI, false},
		{"userinfo_endpoint", more.UserInfo, true},
	} {
		if !p.secureEndpoint(used.url) && (used.url != "" || !used.optional) {
			return nil, fmt.Errorf("discovery of %s: its %s must be an https URL", p.Issuer, used.name)
		}
	}
	endpoint.AuthStyle = p.authStyle(more.AuthMethods)
	config := oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(),
		Endpoint: endpoint, RedirectURL: p.redirectURL, Scopes: p.scopes(),
	}
	return &discovered{provider, config, more.IssInResponse, more.Prompts}, nil
}

// authStyle goes by what the provider says, and tries nothing out: a failed try
// would use up the code. Where both are offered the body is taken, for servers
// disagree on how credentials are encoded in Basic; where nothing is said it is
// Basic (OpenID Connect Discovery, Section 3).
func (p *upstream) authStyle(offered []string) oauth2.AuthStyle {
	if p.ClientSecret == "" || slices.Contains(offered, "client_secret_post") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// secureEndpoint is secureURL, but a query is allowed (RFC 6749, Section 3.1), and
// plain http only where the issuer has it too: no provider elsewhere has business
// with our loopback.
func (p *upstream) secureEndpoint(s string) bool {
	bare, _, _ := strings.Cut(s, "?")
	return secureURL(bare) && (strings.HasPrefix(bare, "https:") || strings.HasPrefix(p.Issuer, "http:"))
}
