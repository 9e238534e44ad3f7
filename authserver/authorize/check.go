package authorize

import (
	"slices"
	"time"

	"clientele.dev/clientele/authserver/grant"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/params"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
)

// Request is an authorization request whose checks have all passed.
type Request struct {
	Client *registry.Client
	Target Target
	// RedirectURI as the request named it; empty if it named none. The token
	// request must repeat it (RFC 6749, Section 4.1.3).
	RedirectURI string
	// Challenge is the S256 code challenge; empty only for a client that may do
	// without (Registration.PKCERequired).
	Challenge string
	// Resources that tokens can be had for, each a token of its own; never empty.
	Resources []string
	// ResourceNamed: the request named them; otherwise they are the default.
	ResourceNamed bool
	// Scopes asked for; empty: all that the client registered.
	Scopes    []string
	Prompt    oauth.Prompt
	MaxAge    time.Duration // of the user's sign-in; only with HasMaxAge
	HasMaxAge bool
	Nonce     string
	LoginHint string
	// Subject whom id_token_hint names: nobody else is answered for. Empty: there is
	// no hint, or it was sealed (Pending.Subject).
	Subject string
}

// Checker checks authorization requests. Its functions must not block.
type Checker struct {
	Clients  func(clientID string) (*registry.Client, bool)
	Policies func() *policy.Set
	// Reserved says whether a redirect URI of the client is at the host of a declared client.
	Reserved func(c *registry.Client, to oauth.RedirectURI) bool
	// Hint verifies an ID token of this server, expired or not, and says whom it is
	// about and which client it was issued to.
	Hint  func(idToken string) (subject, clientID string, err error)
	Terms *grant.Terms
}

// Check makes all checks. The error is a *Shown, a *Redirected or an *Offered.
func (c Checker) Check(p *params.Params) (*Request, error) {
	draft := &Request{Target: Target{issuer: c.Terms.Issuer, mode: oauth.ResponseModeQuery, state: p.Get("state")}}
	for _, check := range beforeTrust {
		if err := check(c, p, draft); err != nil {
			return nil, err
		}
	}
	for _, check := range afterTrust {
		if err := check(c, p, draft); err != nil {
			return nil, draft.Target.Refuse(err)
		}
	}
	return draft, nil
}

// beforeTrust finds out who asks and where the answer goes. Its checks can only
// end in a page.
var beforeTrust = []func(Checker, *params.Params, *Request) *Shown{
	clientIsKnown,
	redirectURIIsRegistered,
}

// afterTrust is everything else, in the order in which a client is told what is
// wrong: first how the answer goes back, then what the server does not do at all,
// then what this client may not, then the details.
var afterTrust = []func(Checker, *params.Params, *Request) error{
	responseMode,
	noRequestObject,
	responseType,
	grantIsRegistered,
	stateIsBounded,
	challenge,
	prompt,
	maxAge,
	identity,
	hint,
	resources,
	scope,
	identityBesideAPI,
}

// clientIsKnown: RFC 6749, Section 4.1.2.1. Unknown and disabled look the same.
func clientIsKnown(c Checker, p *params.Params, r *Request) *Shown {
	id := p.Get("client_id")
	if id == "" {
		return shown(oauth.InvalidRequest("client_id is missing"))
	}
	client, known := c.Clients(id)
	refusal := oauth.InvalidClient("the client is unknown or disabled")
	switch {
	case !known:
		return shown(refusal.WithCause(registry.ErrUnknownClient))
	case client.Managed != nil && client.Managed.Disabled:
		return shown(refusal)
	}
	r.Client = client
	return nil
}

// redirectURIIsRegistered: RFC 6749, Section 3.1.2.4; RFC 9700, Section 2.1. The hosts of
// declared clients are refused to strangers when they register; a declared client may have
// come since (RFC 6749, Section 10.2).
func redirectURIIsRegistered(c Checker, p *params.Params, r *Request) *Shown {
	r.RedirectURI = p.Get("redirect_uri")
	redirect, err := oauth.SelectRedirect(r.Client.RedirectURIs, r.RedirectURI, c.Terms.PrivateUseSchemes...)
	if err != nil {
		return shown(err)
	}
	if c.Reserved(r.Client, redirect) {
		return shown(oauth.InvalidRequest("redirect_uri is at the host of a client that is declared here: a client that registered itself is not answered there"))
	}
	r.Target.redirect, r.Target.vouched = redirect, r.Client.VouchedFor(redirect)
	return nil
}

// responseMode: OAuth 2.0 Multiple Response Type Encoding Practices, Section 2.1.
// A form can only be posted to a web address.
func responseMode(_ Checker, p *params.Params, r *Request) error {
	mode, err := oauth.ParseResponseMode(p.Get("response_mode"))
	if err != nil {
		return err
	}
	if mode == oauth.ResponseModeFormPost && r.Target.redirect.Kind() == oauth.RedirectPrivateUse {
		return oauth.InvalidRequest("response_mode form_post needs an http or https redirect URI")
	}
	r.Target.mode = mode
	return nil
}

// noRequestObject: what the metadata does not offer is refused (RFC 9101, Section
// 6; OpenID Connect Core 1.0, Section 3.1.2.6). A request_uri of a pushed request
// was replaced by its parameters before.
func noRequestObject(_ Checker, p *params.Params, _ *Request) error {
	switch {
	case p.Get("request") != "":
		return oauth.RequestNotSupported("the request parameter is not supported")
	case p.Get("request_uri") != "":
		return oauth.RequestURINotSupported("request_uri is supported for pushed requests only (RFC 9126)")
	case p.Get("registration") != "":
		return oauth.RegistrationNotSupported("the registration parameter is not supported")
	}
	return nil
}

// responseType: RFC 6749, Section 3.1.1.
func responseType(_ Checker, p *params.Params, _ *Request) error {
	_, err := oauth.ParseResponseType(p.Get("response_type"))
	return err
}

// grantIsRegistered: FAILURES A11.
func grantIsRegistered(_ Checker, _ *params.Params, r *Request) error {
	return grant.Allowed(r.Client, oauth.GrantAuthorizationCode)
}

const (
	maxState     = 2048 // bytes, as the two below
	maxNonce     = 512
	maxLoginHint = 254
	// maxResources is how many a person can be expected to read about.
	maxResources = 8
)

// stateIsBounded: RFC 6749, Appendix A.5 wants visible ASCII; others are let
// through, for they go back as they came, encoded.
func stateIsBounded(_ Checker, p *params.Params, r *Request) error {
	if len(p.Get("state")) > maxState {
		r.Target.state = "" // the answer would not fit either
		return oauth.InvalidRequest("state has more than %d bytes", maxState)
	}
	return nil
}

// challenge: RFC 7636, Section 4.4.1; required by RFC 9700, Section 2.1.1.
func challenge(_ Checker, p *params.Params, r *Request) error {
	challenge, err := oauth.ParseChallenge(p.Get("code_challenge"), p.Get("code_challenge_method"))
	if err != nil {
		return err
	}
	if challenge == "" && r.Client.PKCERequired() {
		return oauth.InvalidRequest("code_challenge is missing: PKCE with S256 is required (RFC 7636, Section 4.4.1)")
	}
	r.Challenge = challenge
	return nil
}

// prompt: OpenID Connect Core 1.0, Section 3.1.2.1.
func prompt(_ Checker, p *params.Params, r *Request) (err error) {
	r.Prompt, err = oauth.ParsePrompt(p.Get("prompt"))
	return err
}

// maxAge: OpenID Connect Core 1.0, Section 3.1.2.1; the client's own
// default_max_age where there is none.
func maxAge(_ Checker, p *params.Params, r *Request) error {
	seconds, given, err := oauth.ParseMaxAge(p.Get("max_age"))
	if err != nil {
		return err
	}
	if !given && r.Client.DefaultMaxAge != nil {
		seconds, given = *r.Client.DefaultMaxAge, true
	}
	r.MaxAge, r.HasMaxAge = time.Duration(seconds)*time.Second, given
	return nil
}

// identity reads what OpenID Connect adds (Core 1.0, Section 3.1.2.1). login_hint
// is only a hint: one that is of no use is left out.
func identity(_ Checker, p *params.Params, r *Request) error {
	r.Nonce = p.Get("nonce")
	if len(r.Nonce) > maxNonce {
		return oauth.InvalidRequest("nonce has more than %d bytes", maxNonce)
	}
	if hint := p.Get("login_hint"); len(hint) <= maxLoginHint && oauth.Displayable(hint) {
		r.LoginHint = hint
	}
	return nil
}

// hint: OpenID Connect Core 1.0, Sections 3.1.2.1 and 3.1.2.2. With one that cannot
// be verified, or is another client's, nobody can tell for whom an answer is wanted;
// to answer for whoever is signed in is what the hint forbids.
func hint(c Checker, p *params.Params, r *Request) error {
	text := p.Get(idTokenHint)
	if text == "" {
		return nil
	}
	subject, clientID, err := c.Hint(text)
	switch {
	case err != nil:
		return oauth.InvalidRequest("id_token_hint is not an ID token of this server; ask without it").WithCause(err)
	case clientID != r.Client.ClientID:
		return oauth.InvalidRequest("id_token_hint was issued to another client")
	}
	r.Subject = subject
	return nil
}

// resources: RFC 8707, Section 2; those that are named, or the default. One that the
// client may not have is told, and not left out: the client would ask for its tokens.
func resources(c Checker, p *params.Params, r *Request) error {
	named := p.All("resource")
	r.ResourceNamed = len(named) > 0
	if !r.ResourceNamed {
		named = []string{""}
	}
	if len(named) > maxResources {
		return oauth.InvalidTarget("the request names more than %d resources", maxResources)
	}
	for _, name := range named {
		target, err := rights.Target(c.Policies(), r.Client, name, &c.Terms.Terms)
		if err != nil {
			return err
		}
		if !slices.Contains(r.Resources, target) {
			r.Resources = append(r.Resources, target)
		}
	}
	return nil
}

// scope: RFC 6749, Section 3.3. What of it is granted is decided when the user is
// known; a scope that is not registered is left out then, never granted.
func scope(_ Checker, p *params.Params, r *Request) (err error) {
	r.Scopes, err = oauth.ParseScope(p.Get("scope"))
	return err
}

// identityBesideAPI: scopes of OpenID Connect alone are not for a resource that is named
// (rights.Decide). A client for which this holds of every user hears of it before a user
// signs in; a pushed request is refused (RFC 9126, Section 2).
func identityBesideAPI(c Checker, _ *params.Params, r *Request) error {
	_, err := judgeEach(r.Resources, func(resource string) (rights.Answer, error) {
		return rights.Decide(c.Policies(), rights.Question{
			Client: r.Client, Grant: oauth.GrantAuthorizationCode,
			Resource: resource, Named: r.ResourceNamed, Asked: r.Scopes, Terms: &c.Terms.Terms,
		})
	})
	return err
}
