package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Errors of signing in at a provider. What they wrap is for the log.
var (
	// ErrUpstreamStale: the answer belongs to no sign-in that this browser began
	// in the last ten minutes. Beginning again helps.
	ErrUpstreamStale = errors.New("the sign-in was not begun in this browser, or too long ago")
	// ErrUpstreamDenied: the person, or the provider for them, said no, or it did
	// not authenticate them anew where that was asked for.
	ErrUpstreamDenied = errors.New("the provider did not sign the person in")
	// ErrUpstreamFailed: the provider cannot be reached, or answers what it
	// should not.
	ErrUpstreamFailed = errors.New("signing in at the provider failed")
)

// Start is what Begin takes.
type Start struct {
	// Provider by name.
	Provider string
	// Return is given back by Finish, at most MaxReturn bytes: where the endpoint
	// goes on afterwards. Nobody else can choose it.
	Return string
	// LoginHint is passed on (OpenID Connect Core, Section 3.1.2.1).
	LoginHint string
	// Choose asks the provider to let the person choose an account, where it would go
	// on with the one that is signed in there (prompt=select_account, or what the
	// provider knows instead; see upstream.prompt).
	Choose bool
	// Fresh asks the provider to authenticate the person anew, and to say when it
	// did (prompt=login, max_age=0), and takes no sign-in from before.
	Fresh bool
}

// Begin starts a sign-in at a provider: send the browser to location, with the
// cookies. An unknown provider is ErrUpstreamStale: its settings changed.
func (u *Upstreams) Begin(ctx context.Context, s Start, now time.Time) (location string, cookies []*http.Cookie, err error) {
	p := u.find(s.Provider)
	if p == nil || p.Closed {
		return "", nil, ErrUpstreamStale
	}
	if len(s.Return) > MaxReturn {
		return "", nil, fmt.Errorf("%w: the pending request has more than %d bytes", ErrUpstreamFailed, MaxReturn)
	}
	found, err := p.discover(ctx, u.o.Client, now)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrUpstreamFailed, err)
	}
	f := flow{
		Provider: p.Name, Return: s.Return, Choose: s.Choose, Fresh: s.Fresh, Expires: now.Add(flowLifetime).Unix(),
		State: random().Reveal(), Nonce: random().Reveal(), Verifier: random().Reveal(),
	}
	sealed, err := f.seal(u.o.Keys())
	if err != nil {
		return "", nil, fmt.Errorf("%w: sealing the flow: %w", ErrUpstreamFailed, err)
	}
	params := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(f.Verifier), oidc.Nonce(f.Nonce)}
	if s.LoginHint != "" {
		params = append(params, oauth2.SetAuthURLParam("login_hint", s.LoginHint))
	}
	if prompt := p.prompt(found, s); prompt != "" {
		params = append(params, oauth2.SetAuthURLParam("prompt", prompt))
	}
	if s.Fresh {
		params = append(params, oauth2.SetAuthURLParam("max_age", "0"))
	}
	return found.config.AuthCodeURL(f.State, params...), u.o.Cookies.setFlow(sealed), nil
}

// Result of a sign-in at a provider.
type Result struct {
	User User
	// Return as given to Begin; also with an error, unless it is
	// ErrUpstreamStale, so that a page can offer to try again.
	Return string
	// Choose as given to Begin; with an error as Return is.
	Choose bool
}

// Finish takes the request to the callback of the provider called name:
//
//  1. the flow is of this browser, of this provider, and not too old,
//  2. `state` (RFC 6749, Section 10.12),
//  3. `iss` (RFC 9207): an answer of another server ends here (A18),
//  4. an error,
//  5. the code is exchanged, with the verifier (RFC 7636),
//  6. the ID token (OpenID Connect Core, Section 3.1.3.7),
//  7. UserInfo, where it is wanted, about the same subject (Section 5.3.2),
//  8. whether the settings allow the person: a *NotAllowedError if not,
//  9. claims to a User,
//  10. when they authenticated, and whether that will do.
func (u *Upstreams) Finish(ctx context.Context, name string, r *http.Request, now time.Time) (Result, error) {
	f, ok := openFlow(u.o.Keys(), u.o.Cookies.readFlow(r), now)
	p := u.find(name)
	if !ok || p == nil || p.Closed || f.Provider != name {
		return Result{}, ErrUpstreamStale
	}
	query := r.URL.Query()
	if subtle.ConstantTimeCompare([]byte(single(query, "state")), []byte(f.State)) != 1 {
		return Result{}, ErrUpstreamStale
	}
	result := Result{Return: f.Return, Choose: f.Choose}
	found, err := p.discover(ctx, u.o.Client, now)
	if err != nil {
		return result, fmt.Errorf("%w: %w", ErrUpstreamFailed, err)
	}
	if err := p.checkAnswer(found, query); err != nil {
		if f.Choose && query.Has("error") && !errors.Is(err, ErrUpstreamDenied) {
			p.noteNoChoice()
		}
		return result, err
	}
	claims, err := p.claims(oidc.ClientContext(ctx, u.o.Client), found, single(query, "code"), f, now)
	if err != nil {
		return result, fmt.Errorf("%w: %w", ErrUpstreamFailed, err)
	}
	if reason := p.Allow.check(p.Claims, claims); reason != "" {
		return result, &NotAllowedError{Reason: reason, Provider: p.label(), Contact: p.Allow.Contact}
	}
	result.User, err = p.Claims.user(p.Provider, claims)
	if err != nil {
		return result, fmt.Errorf("%w: claims of %s: %w", ErrUpstreamFailed, p.Issuer, err)
	}
	result.User.AuthTime, err = p.authTime(claims, f, now)
	if err != nil {
		result.User = User{}
	}
	return result, err
}

func (p *upstream) checkAnswer(found *discovered, query url.Values) error {
	if iss := query["iss"]; len(iss) > 1 || len(iss) == 1 && iss[0] != p.Issuer || len(iss) == 0 && found.issInResponse {
		return fmt.Errorf("%w: the answer's iss is not %s", ErrUpstreamFailed, p.Issuer)
	}
	if code := single(query, "error"); code == "access_denied" {
		return ErrUpstreamDenied
	} else if query.Has("error") {
		return fmt.Errorf("%w: it answered the error %q", ErrUpstreamFailed, clip(code, 64))
	}
	if single(query, "code") == "" {
		return fmt.Errorf("%w: its answer has no code", ErrUpstreamFailed)
	}
	return nil
}

// claims exchanges the code and returns the claims about the person.
func (p *upstream) claims(ctx context.Context, found *discovered, code string, f flow, now time.Time) (claimSet, error) {
	token, err := found.config.Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return nil, fmt.Errorf("token request to %s: %w", p.Issuer, quiet(err))
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, fmt.Errorf("the token response of %s has no id_token", p.Issuer)
	}
	verifier := found.provider.Verifier(&oidc.Config{ClientID: p.ClientID, Now: func() time.Time { return now }})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("ID token of %s: %w", p.Issuer, err)
	}
	claims := claimSet{}
	if err := id.Claims(&claims); err != nil {
		return nil, fmt.Errorf("ID token of %s: its claims are no JSON object", p.Issuer)
	}
	if err := p.checkToken(id, claims, token.AccessToken, f); err != nil {
		return nil, err
	}
	if p.UserInfo {
		return p.addUserInfo(ctx, found, id.Subject, token, claims)
	}
	return claims, nil
}

// checkToken does what the verifier leaves to its caller.
func (p *upstream) checkToken(id *oidc.IDToken, claims claimSet, accessToken string, f flow) error {
	azp, hasAZP := claims["azp"]
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1:
		return fmt.Errorf("ID token of %s: its nonce is not ours", p.Issuer)
	case id.Subject == "" || len(id.Subject) > 255:
		return fmt.Errorf("ID token of %s: its sub has %d bytes, want 1 to 255", p.Issuer, len(id.Subject))
	case len(id.Audience) > 1 && !hasAZP, hasAZP && azp != p.ClientID:
		return fmt.Errorf("ID token of %s: it was made for another client (azp)", p.Issuer)
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(accessToken); err != nil {
			return fmt.Errorf("ID token of %s: its at_hash is of another access token", p.Issuer)
		}
	}
	return nil
}

// addUserInfo adds what the ID token does not say. When the person authenticated
// is the ID token's alone to say.
func (p *upstream) addUserInfo(ctx context.Context, found *discovered, subject string, token *oauth2.Token, claims claimSet) (claimSet, error) {
	info, err := found.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("UserInfo of %s: %w", p.Issuer, quiet(err))
	}
	more := claimSet{}
	if err := info.Claims(&more); err != nil {
		return nil, fmt.Errorf("UserInfo of %s: no JSON object", p.Issuer)
	}
	if info.Subject != subject {
		return nil, fmt.Errorf("UserInfo of %s: it is about another subject than the ID token", p.Issuer)
	}
	for name, value := range more {
		if _, have := claims[name]; !have && name != claimAuthTime {
			claims[name] = value
		}
	}
	return claims, nil
}

// single returns a parameter that is given once; twice is as bad as not at all
// (RFC 6749, Section 3.1).
func single(query url.Values, name string) string {
	if values := query[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// quiet keeps of an error what may be logged: those of both libraries quote
// whole response bodies, and a body may hold anything.
func quiet(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return fmt.Errorf("status %d, error %q", refused.Response.StatusCode, clip(refused.ErrorCode, 64))
	}
	var transport *url.Error
	if errors.As(err, &transport) {
		return transport.Err
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	if status, body, ok := strings.Cut(first, ": "); ok && body != "" && strings.Trim(status[:min(3, len(status))], "0123456789") == "" {
		first = status
	}
	return errors.New(clip(first, 160))
}
