package grant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store"
)

// RefreshToken is RFC 6749, Section 6, with rotation (RFC 9700, Section 4.14.2).
//
//  1. The token is one of ours: garbage reaches no family, and revokes none.
//  2. Its family was made for this client, in its present incarnation, is not
//     revoked and has not expired.
//  3. The resource, if one is named, is the family's (RFC 8707, Section 2.2).
//  4. The user is still welcome.
//  5. The scope is no more than what was granted; the user, policy and the user's
//     roles still allow it.
//  6. The token is the current one: the family is moved on. Or it is the one
//     before, within the retry window: the same successor is given once more. Or
//     it is reused: the family is revoked, its access tokens included.
//
// A request that is refused in 3 to 5 does not use the token up.
type RefreshToken struct {
	Rights   *Rights
	Families store.Families
	Consents store.Consents
	Users    Users
}

// Type returns refresh_token.
func (RefreshToken) Type() oauth.GrantType { return oauth.GrantRefreshToken }

// maxConflicts is how often a family may be moved on under a request. The second
// look finds the token to be the one before; a third would be somebody else's
// whole refresh in between, and then the token is reused.
const maxConflicts = 4

// Issue implements Grant.
func (g RefreshToken) Issue(ctx context.Context, r Request) (Issue, error) {
	text := r.Params.Get("refresh_token")
	if text == "" {
		return Issue{}, oauth.InvalidRequest("refresh_token is missing")
	}
	presented, err := parseRefreshToken(text, r)
	if err != nil {
		return Issue{}, err
	}
	for range maxConflicts {
		issue, err := g.refresh(ctx, presented, r)
		if !errors.Is(err, store.ErrConflict) {
			return issue, err
		}
	}
	return Issue{}, oauth.TemporarilyUnavailable("the refresh token is being used in parallel")
}

// presentedToken is a refresh token as it was sent.
type presentedToken struct {
	credential.RefreshToken
	text credential.Secret
}

// parseRefreshToken is check 1.
func parseRefreshToken(text string, r Request) (presentedToken, error) {
	parsed, err := r.Keys.ParseRefreshToken(text)
	if err != nil {
		return presentedToken{}, unknownRefreshToken(err)
	}
	return presentedToken{parsed, credential.Secret(text)}, nil
}

// unknownRefreshToken is one text for all: whoever has no good token learns
// nothing of a family.
func unknownRefreshToken(cause error) error {
	return oauth.InvalidGrant("the refresh token is unknown, expired or revoked").WithCause(cause)
}

// refresh is one try; store.ErrConflict: the family was changed meanwhile.
func (g RefreshToken) refresh(ctx context.Context, t presentedToken, r Request) (Issue, error) {
	family, err := g.family(ctx, t, r)
	if err != nil {
		return Issue{}, err
	}
	use := judge(family, t, r)
	switch use {
	case reused:
		return Issue{}, g.revoke(ctx, family, ErrReused, r.Now)
	case ahead:
		return Issue{}, g.revoke(ctx, family, ErrAhead, r.Now)
	}
	right, err := g.stillAllowed(ctx, family, r)
	if err != nil {
		return Issue{}, err
	}
	family, refresh, err := g.rotate(ctx, family, t, use, r)
	if err != nil {
		return Issue{}, err
	}
	issue := issueOf(family, right, r.Now)
	issue.RefreshToken = refresh
	return issue, nil
}

// family reads that of a token, and makes check 2.
func (g RefreshToken) family(ctx context.Context, t presentedToken, r Request) (store.Family, error) {
	family, err := g.Families.Family(ctx, t.Family)
	if errors.Is(err, store.ErrNotFound) {
		return store.Family{}, unknownRefreshToken(err)
	}
	if err != nil {
		return store.Family{}, fmt.Errorf("reading a refresh token family: %w", err)
	}
	return family, familyIsGood(family, r)
}

// familyIsGood is check 2.
func familyIsGood(f store.Family, r Request) error {
	switch {
	case f.Grant.ClientID != r.Client.ClientID: // FAILURES A3
		return unknownRefreshToken(errors.New("the refresh token is another client's"))
	case f.Created.Before(r.Client.Since()):
		return unknownRefreshToken(errors.New("the family is of an earlier incarnation of the client"))
	case !f.Revoked.IsZero():
		return unknownRefreshToken(errors.New("the family is revoked"))
	case !r.Now.Before(ends(f, r)):
		return unknownRefreshToken(errors.New("the family has expired"))
	}
	return nil
}

// stillAllowed is checks 3 to 5. What the server knows of user, client and policy
// now decides (FAILURES A4), not what it knew when the grant was made.
func (g RefreshToken) stillAllowed(ctx context.Context, f store.Family, r Request) (UserRight, error) {
	if err := sameResource(f.Grant, r); err != nil {
		return UserRight{}, err
	}
	if _, err := Target(g.Rights.Policies(), r.Client, f.Grant.Resource, r.Terms); err != nil {
		return UserRight{}, oauth.InvalidGrant("the client may not have tokens for the resource any more").WithCause(err)
	}
	if err := stillWelcome(g.Users, f.Grant); err != nil {
		return UserRight{}, err
	}
	asked, err := narrowed(f.Grant.Scopes, r.Scope)
	if err != nil {
		return UserRight{}, err
	}
	trusted := r.Client.Managed != nil && r.Client.Managed.Trusted // and perhaps nobody was asked
	allowed, err := consented(ctx, g.Consents, r.Client, f.Grant, asked, trusted)
	if err != nil {
		return UserRight{}, err
	}
	roles := g.Users.Roles(f.Grant.Subject, f.Grant.Roles)
	right := g.Rights.ForUser(r.Client, r.Terms, roles, f.Grant.Resource, allowed, oauth.GrantRefreshToken)
	right.Tenant = g.Users.Tenant(f.Grant.Subject, f.Grant.Tenant)
	switch {
	case len(right.Scopes) == 0:
		return UserRight{}, oauth.InvalidGrant("nothing of what the user allowed is granted any more")
	case r.Scope != "" && len(right.Scopes) < len(asked):
		return UserRight{}, oauth.InvalidScope("a scope is not granted to this client any more")
	}
	return right, nil
}

// narrowed are the scopes asked for: none that the user did not allow (RFC 6749,
// Section 6). Without any named they are all of the grant's; the refresh token
// keeps these, however few one access token had.
func narrowed(granted []string, scope string) ([]string, error) {
	asked, err := oauth.ParseScope(scope)
	if err != nil {
		return nil, err
	}
	if len(asked) == 0 {
		return granted, nil
	}
	for _, s := range asked {
		if !contains(granted, s) {
			return nil, oauth.InvalidScope("scope %s exceeds what was granted (RFC 6749, Section 6)", s)
		}
	}
	return asked, nil
}

// use is what a token is in its family.
type use int

const (
	reused use = iota
	ahead
	current
	retried
)

// judge is check 6. A generation that the family has not reached is a sign of a
// store that was set back; that ends the family too.
func judge(f store.Family, t presentedToken, r Request) use {
	text := t.text.Reveal()
	switch {
	case t.Generation == f.Generation && r.Keys.Match(f.Current, text):
		return current
	case t.Generation == f.Generation-1 && r.Keys.Match(f.Previous, text) && r.Now.Before(f.Rotated.Add(r.Terms.RefreshRetryWindow)):
		return retried
	case t.Generation > f.Generation:
		return ahead
	}
	return reused
}

// rotate gives the successor, and moves the family on if the token is current.
func (g RefreshToken) rotate(ctx context.Context, f store.Family, t presentedToken, u use, r Request) (store.Family, credential.Secret, error) {
	if u == current {
		f.KeyVersion = r.Keys.NewestVersion()
	}
	_, text, err := r.Keys.Successor(t.RefreshToken, f.KeyVersion)
	switch {
	case errors.Is(err, credential.ErrFamilyWornOut), errors.Is(err, credential.ErrServerKeyGone):
		return f, "", unknownRefreshToken(err)
	case err != nil:
		return f, "", fmt.Errorf("making the successor of a refresh token: %w", err)
	case u == retried:
		return f, text, nil
	}
	now := r.Now.UTC().Truncate(time.Second)
	f.Previous, f.Current = f.Current, r.Keys.Seal(credential.Hash(text.Reveal()))
	f.Generation++
	f.Rotated = now
	f.Expires, f.IdleExpires = lifetimes(f, r, now)
	if err := g.Families.AdvanceFamily(ctx, f.Generation-1, f); err != nil {
		return f, "", fmt.Errorf("moving a refresh token family on: %w", err) // may be ErrConflict
	}
	return f, text, nil
}

// lifetimes are the ends of a family that was used last at a time. Settings may
// have shortened them since, and never lengthen the absolute one.
func lifetimes(f store.Family, r Request, used time.Time) (expires, idle time.Time) {
	absolute, unused := RefreshLifetimes(r.Client, r.Terms)
	expires, idle = f.Created.Add(absolute), used.Add(unused)
	if f.Expires.Before(expires) {
		expires = f.Expires
	}
	if expires.Before(idle) {
		idle = expires
	}
	return expires, idle
}

// revoke ends a family whose token came a second time: of two who have it one has
// stolen it (RFC 9700, Section 4.14.2). why is ErrReused or ErrAhead.
func (g RefreshToken) revoke(ctx context.Context, f store.Family, why error, now time.Time) error {
	if _, err := g.Families.RevokeFamilies(ctx, store.FamilyFilter{ID: f.ID}, now); err != nil {
		return fmt.Errorf("revoking a refresh token family: %w", err)
	}
	return unknownRefreshToken(why)
}
