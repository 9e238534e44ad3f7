package grant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/store"
)

// AuthorizationCode is RFC 6749, Section 4.1.3: the client brings the code that
// the user's browser brought it.
//
//  1. The code is one of ours and is taken, once; who comes second ends the
//     tokens of the first (RFC 6749, Section 4.1.2). While it is not known who the
//     user is it is left alone: another replica may know, or this one soon.
//  2. It was made for this client, in its present incarnation.
//  3. redirect_uri is that of the authorization request, or is left to PKCE.
//  4. The code_verifier belongs to the code_challenge (RFC 7636, Section 4.6).
//  5. The resource, if one is named, is one of the authorization request (RFC
//     8707, Section 2.2).
//  6. The user is still welcome, may still use the client, has not taken the consent back meanwhile, and
//     policy still allows some of the scopes.
//  7. The family is written, and with it what revokes these tokens.
//
// From 2 on a refusal uses the code up: whoever could bring it here may have
// stolen it. So does an outage of the store after 1: the app starts again, with a
// user who is there.
type AuthorizationCode struct {
	Policies func() *policy.Set
	Codes    store.Codes
	Families store.Families
	Consents store.Consents
	Users    rights.Users
}

// Type returns authorization_code.
func (AuthorizationCode) Type() oauth.GrantType { return oauth.GrantAuthorizationCode }

// Issue implements Grant.
func (g AuthorizationCode) Issue(ctx context.Context, r Request) (Issue, error) {
	code, err := g.take(ctx, r)
	if err != nil {
		return Issue{}, err
	}
	for _, check := range []func(store.Code, Request) error{
		codeIsForClient,
		redirectURIIsSame,
		verifierFits,
		resourceIsGranted,
	} {
		if err := check(code, r); err != nil {
			return Issue{}, err
		}
	}
	left, err := g.stillAllowed(ctx, code, r)
	if err != nil {
		return Issue{}, err
	}
	right, err := rightAt(left, r.Resource)
	if err != nil {
		return Issue{}, err
	}
	return g.begin(ctx, code, left, right, r)
}

// take is check 1. What is not written as a code does not reach the store.
func (g AuthorizationCode) take(ctx context.Context, r Request) (store.Code, error) {
	text := r.Params.Get("code")
	if text == "" {
		return store.Code{}, oauth.InvalidRequest("code is missing")
	}
	if !credential.ValidFormat(text, credential.PrefixCode) {
		return store.Code{}, unknownCode()
	}
	hash := credential.Hash(text)
	if err := g.canTell(ctx, hash, r.Now); err != nil {
		return store.Code{}, err
	}
	code, err := g.Codes.TakeCode(ctx, hash, r.Now)
	switch {
	case errors.Is(err, store.ErrUsed):
		if err := g.endFamily(ctx, code, r.Now); err != nil {
			return store.Code{}, err
		}
		return store.Code{}, oauth.InvalidGrant("the authorization code was used before; the tokens made from it are revoked").WithCause(ErrReused)
	case errors.Is(err, store.ErrNotFound):
		return store.Code{}, unknownCode()
	case err != nil:
		return store.Code{}, fmt.Errorf("taking an authorization code: %w", err)
	}
	return code, nil
}

// canTell is nil if the server knows enough to judge a code: a code is not used up by
// who is told to try again. The error is that of Users.Welcome,
// temporarily_unavailable, or the store's.
func (g AuthorizationCode) canTell(ctx context.Context, hash string, now time.Time) error {
	code, err := g.Codes.Code(ctx, hash, now)
	if errors.Is(err, store.ErrNotFound) {
		return nil // TakeCode tells what it is
	}
	if err != nil {
		return fmt.Errorf("reading an authorization code: %w", err)
	}
	_, err = g.Users.Welcome(code.Grant.Subject, code.Grant.Source)
	return err
}

func unknownCode() error {
	return oauth.InvalidGrant("the authorization code is unknown or has expired")
}

// endFamily revokes what was made from a code that is used again. Its first user
// may be on the way between taking the code and writing the family: the store
// refuses that family (store.Families.PutFamily).
func (g AuthorizationCode) endFamily(ctx context.Context, code store.Code, now time.Time) error {
	if _, err := g.Families.RevokeFamilies(ctx, store.FamilyFilter{ID: code.FamilyID}, now); err != nil {
		return fmt.Errorf("revoking the tokens of a code that was used again: %w", err)
	}
	return nil
}

// codeIsForClient is check 2 (FAILURES A3).
func codeIsForClient(code store.Code, r Request) error {
	if code.Grant.ClientID != r.Client.ClientID {
		return oauth.InvalidGrant("the authorization code was made for another client")
	}
	if code.Issued.Before(r.Client.Since()) {
		return oauth.InvalidGrant("the authorization code was made before the client was registered anew")
	}
	return nil
}

// redirectURIIsSame is check 3: identical if the authorization request had one
// (RFC 6749, Section 4.1.3). A client of OAuth 2.1 leaves it out here: its code is
// bound by PKCE (draft-ietf-oauth-v2-1-13, Section 10.2). If the authorization
// request had none the client has only one, and may name it.
func redirectURIIsSame(code store.Code, r Request) error {
	asked := r.Params.Get("redirect_uri")
	switch {
	case code.RedirectURI == asked, asked == "" && code.Challenge != "":
		return nil
	case asked == "":
		return oauth.InvalidGrant("redirect_uri is missing: the authorization request had one, and no code_challenge (RFC 6749, Section 4.1.3)")
	case code.RedirectURI == "" && len(r.Client.RedirectURIs) == 1 && r.Client.RedirectURIs[0] == asked:
		return nil
	}
	return oauth.InvalidGrant("redirect_uri is not that of the authorization request")
}

// verifierFits is check 4, both ways. The exception may have been taken back since
// the code was made.
func verifierFits(code store.Code, r Request) error {
	if code.Challenge == "" && r.Client.PKCERequired() {
		return oauth.InvalidGrant("PKCE is required: the authorization request had no code_challenge")
	}
	return oauth.CheckVerifier(r.Params.Get("code_verifier"), code.Challenge)
}

// resourceIsGranted is check 5.
func resourceIsGranted(code store.Code, r Request) error {
	_, err := accessAt(code.Grant, r.Resource)
	return err
}

// stillAllowed is check 6, at every resource of the code.
func (g AuthorizationCode) stillAllowed(ctx context.Context, code store.Code, r Request) ([]UserRight, error) {
	if err := stillWelcome(g.Users, r.Client, code.Grant); err != nil {
		return nil, err
	}
	to, err := oauth.SelectRedirect(r.Client.RedirectURIs, code.RedirectURI, r.Terms.PrivateUseSchemes...)
	if err != nil {
		return nil, oauth.InvalidGrant("the redirect URI is not registered any more").WithCause(err)
	}
	now := present{policies: g.Policies(), consents: rights.Consents{Store: g.Consents}, users: g.Users, grant: g.Type()}
	if r.Client.SkipsConsent(to) {
		if now, err = now.trusted(ctx, r.Client, code.Grant.Subject); err != nil {
			return nil, err
		}
	}
	return now.everywhere(ctx, code.Grant, r)
}

// begin is step 7: the family keeps what is left at every resource, right is what the
// first access token has. A client without refresh tokens has a family as well, which
// ends with its access token: by it that token is revoked.
func (g AuthorizationCode) begin(ctx context.Context, code store.Code, left []UserRight, right UserRight, r Request) (Issue, error) {
	now := r.Now.UTC().Truncate(time.Second)
	family := store.Family{
		ID: code.FamilyID, Grant: code.Grant, Generation: 1,
		Created: now, Rotated: now, Expires: now.Add(right.Lifetime), IdleExpires: now.Add(right.Lifetime),
	}
	family.Grant.Access = nil
	for _, l := range left {
		family.Grant.Access = append(family.Grant.Access, store.Access{Resource: l.At, Scopes: l.Granted})
	}
	var refresh credential.Secret
	if absolute, idle := RefreshLifetimes(r.Client, r.Terms); absolute > 0 {
		family.Expires, family.IdleExpires = now.Add(absolute), now.Add(idle)
		var err error
		if refresh, err = r.Keys.EncodeRefreshToken(credential.NewRefreshToken(family.ID)); err != nil {
			return Issue{}, fmt.Errorf("making a refresh token: %w", err)
		}
		family.Current = r.Keys.Seal(credential.Hash(refresh.Reveal()))
	}
	if err := g.put(ctx, family); err != nil {
		return Issue{}, err
	}
	issue := issueOf(family, right, now)
	issue.RefreshToken = refresh
	if issue.Identity != nil {
		issue.Identity.Nonce = code.Grant.Nonce
	}
	return issue, nil
}

// put writes the family, unless somebody came with the same code meanwhile, or
// what it stands for was revoked.
func (g AuthorizationCode) put(ctx context.Context, family store.Family) error {
	err := g.Families.PutFamily(ctx, family)
	if errors.Is(err, store.ErrConflict) {
		return oauth.InvalidGrant("the authorization code was revoked, or used twice at the same time")
	}
	if err != nil {
		return fmt.Errorf("writing a refresh token family: %w", err)
	}
	return nil
}
