package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/store"
)

// RefreshToken is RFC 6749, Section 6, with rotation (RFC 9700, Section 4.14.2).
//
//  1. The token is one of ours: garbage reaches no family, and revokes none.
//  2. Its family was made for this client, in its present incarnation, is not
//     revoked and has not expired.
//  3. The resource, if one is named, is one of the family's (RFC 8707, Section 2.2).
//     It may be another one each time.
//  4. The user is still welcome, and may still use the client.
//  5. The scope is no more than what was granted; the user, policy and the user's
//     roles still allow it at this resource.
//  6. The token is the current one: the family is moved on. Or it was used within the
//     retry window (refresh_retry.go): the current one is given once more. Or it is
//     reused: the family is revoked, its access tokens included.
//
// A request that is refused in 3 to 5 does not use the token up.
type RefreshToken struct {
	Policies func() *policy.Set
	Families store.Families
	Consents store.Consents
	Users    rights.Users
}

// Type returns refresh_token.
func (RefreshToken) Type() oauth.GrantType { return oauth.GrantRefreshToken }

// maxConflicts is how often another request may change a family while this one looks at
// it. At the second look the token is one that was used just now, and only the retries of a
// public client are written then.
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
	next := g.rotate
	if use == retried {
		next = g.again
	}
	family, refresh, err := next(ctx, family, t, r)
	if err != nil {
		return Issue{}, err
	}
	issue := issueOf(family, right, r.Now)
	issue.RefreshToken, issue.Retried = refresh, use == retried
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

// stillAllowed is checks 3 to 5.
func (g RefreshToken) stillAllowed(ctx context.Context, f store.Family, r Request) (UserRight, error) {
	access, err := accessAt(f.Grant, r.Resource)
	if err != nil {
		return UserRight{}, err
	}
	if err := stillWelcome(g.Users, r.Client, f.Grant); err != nil {
		return UserRight{}, err
	}
	asked, err := narrowed(f.Grant, access, r.Scope)
	if err != nil {
		return UserRight{}, err
	}
	now, err := g.present(ctx, f, r)
	if err != nil {
		return UserRight{}, err
	}
	right, err := now.at(ctx, f.Grant, asked, r.Resource != "", r)
	switch {
	case err != nil:
		return UserRight{}, now.refusal(ctx, f.Grant, access, r, err)
	case strings.Trim(r.Scope, " ") != "" && len(right.Granted) < len(asked.Scopes):
		return UserRight{}, oauth.InvalidScope("a scope is not granted to this client any more")
	}
	return right, nil
}

// present is how things are for a family's person and client.
func (g RefreshToken) present(ctx context.Context, f store.Family, r Request) (present, error) {
	now := present{policies: g.Policies(), consents: rights.Consents{Store: g.Consents}, users: g.Users, grant: g.Type()}
	if m := r.Client.Managed; m != nil && m.Trusted {
		return now.trusted(ctx, r.Client, f.Grant.Subject)
	}
	return now, nil
}

// refusal says no more than is so: an app throws its refresh token away at an
// invalid_grant, so that only a family of which nothing is left gets one. An app that
// names no resource has always had tokens for the first: it is told that there are
// none any more, instead of one for another audience.
func (p present) refusal(ctx context.Context, g store.Grant, asked store.Access, r Request, err error) error {
	if oauth.CodeOf(err) != oauth.CodeInvalidGrant {
		return err
	}
	left, nothing := p.everywhere(ctx, g, r)
	if nothing != nil {
		return nothing
	}
	if _, elsewhere := rightAt(left, asked.Resource); elsewhere != nil {
		return elsewhere
	}
	return oauth.InvalidScope("none of these scopes is granted to this client any more").WithCause(err)
}

// narrowed is the access with those of its scopes that are asked for: none that the
// user did not allow (RFC 6749, Section 6). Of a scope string for several resources
// each token has what is granted at its own (RFC 8707, Section 2.2). offline_access asks
// for the refresh token that is there, also where it is not among the scopes granted.
// Without any named they are all of the grant's; the refresh token keeps these, however
// few one access token had.
func narrowed(g store.Grant, a store.Access, scope string) (store.Access, error) {
	asked, err := oauth.ParseScope(scope)
	asked = slices.DeleteFunc(asked, func(s string) bool {
		return s == oauth.ScopeOfflineAccess && !slices.Contains(a.Scopes, s)
	})
	if err != nil || len(asked) == 0 {
		return a, err
	}
	var here []string
	for _, s := range asked {
		switch {
		case slices.Contains(a.Scopes, s):
			here = append(here, s)
		case !slices.ContainsFunc(g.Access, func(other store.Access) bool { return slices.Contains(other.Scopes, s) }):
			return a, oauth.InvalidScope("scope %s exceeds what was granted (RFC 6749, Section 6)", s)
		}
	}
	if len(here) == 0 {
		return a, oauth.InvalidScope("none of these scopes was granted at this resource; name the one they are for (RFC 8707, Section 2.2)")
	}
	return store.Access{Resource: a.Resource, Scopes: here}, nil
}

// revoke ends a family whose token came a second time: of two who have it one has
// stolen it (RFC 9700, Section 4.14.2). why is ErrReused or ErrAhead.
func (g RefreshToken) revoke(ctx context.Context, f store.Family, why error, now time.Time) error {
	if _, err := g.Families.RevokeFamilies(ctx, store.FamilyFilter{ID: f.ID}, now); err != nil {
		return fmt.Errorf("revoking a refresh token family: %w", err)
	}
	return unknownRefreshToken(why)
}

// rotate moves the family on and gives the successor of its current token.
func (g RefreshToken) rotate(ctx context.Context, f store.Family, t presentedToken, r Request) (store.Family, credential.Secret, error) {
	rotations := openRotations(f, r)
	if len(rotations) == maxRotations {
		return f, t.text, nil
	}
	now, key := r.Now.UTC().Truncate(time.Second), r.Keys.NewestVersion()
	_, text, err := r.Keys.Successor(t.RefreshToken, key)
	if err != nil {
		return f, "", noSuccessor(err)
	}
	f.Current = r.Keys.Seal(credential.Hash(text.Reveal()))
	f.Generation++
	f.Rotations = append(rotations, store.Rotation{At: now.Unix(), Key: key})
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
