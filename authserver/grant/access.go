package grant

import (
	"context"
	"slices"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
)

// A user's grant may be for several resources (RFC 8707, Section 2). A token is for
// one of them: whoever exchanges a code or refreshes names it (Section 2.2), or gets
// the first that the authorization request named.

// accessAt picks the resource that a token request names, or the first. The error
// is an invalid_target: it is none of the grant's.
func accessAt(g store.Grant, resource string) (store.Access, error) {
	for _, a := range g.Access {
		if resource == "" || a.Resource == resource {
			return a, nil
		}
	}
	return store.Access{}, oauth.InvalidTarget("the resource is none of those of the authorization request (RFC 8707, Section 2.2)")
}

// present is how things are now. What the server knows of user, client and policy
// now decides (FAILURES A4), not what it knew when the grant was made.
type present struct {
	rights   *Rights
	consents store.Consents
	users    Users
	// kind of grant that asks.
	kind oauth.GrantType
	// unasked: the person need not have been asked.
	unasked bool
}

// trusted is how things are for a client that people are not asked about. The error
// is the store's.
func (p present) trusted(ctx context.Context, c *registry.Client, subject string) (present, error) {
	var err error
	p.unasked, err = Unasked(ctx, p.consents, c, subject)
	return p, err
}

// at says what is left of the scopes that a grant gave at one resource. The error is
// an invalid_grant: nothing is; or the store's.
func (p present) at(ctx context.Context, g store.Grant, a store.Access, r Request) (UserRight, error) {
	if _, err := Target(p.rights.Policies(), r.Client, a.Resource, r.Terms); err != nil {
		return UserRight{}, oauth.InvalidGrant("the client may not have tokens for the resource any more").WithCause(err)
	}
	scopes, err := p.consented(ctx, g, a, r)
	if err != nil {
		return UserRight{}, err
	}
	roles := p.users.Roles(g.Subject, g.Roles)
	right := p.rights.ForUser(r.Client, r.Terms, roles, a.Resource, scopes, p.kind)
	right.Tenant = p.users.Tenant(g.Subject, g.Tenant)
	if len(right.Scopes) == 0 {
		return UserRight{}, oauth.InvalidGrant("nothing of what the user allowed is granted any more")
	}
	return right, nil
}

// consented are those of the scopes that the person still allows the client. A
// consent that is withdrawn while a code is on its way counts (FAILURES A19), and
// that nobody was asked because the client was trusted counts no more when it is
// not, or when the person withdrew. None left is an invalid_grant; other errors are
// the store's.
func (p present) consented(ctx context.Context, g store.Grant, a store.Access, r Request) ([]string, error) {
	if p.unasked {
		return a.Scopes, nil
	}
	remembered, err := RememberedConsent(ctx, p.consents, r.Client, g.Subject, a.Resource, g.Place)
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(slices.Clone(a.Scopes), func(s string) bool { return !contains(remembered, s) })
	if len(kept) == 0 {
		return nil, oauth.InvalidGrant("the user took the consent back, or was never asked")
	}
	return kept, nil
}

// everywhere says what is left of a grant, at each resource where anything is. The
// error is that of the first if nothing is at any; or the store's.
func (p present) everywhere(ctx context.Context, g store.Grant, r Request) ([]UserRight, error) {
	var left []UserRight
	var refused error
	for _, a := range g.Access {
		right, err := p.at(ctx, g, a, r)
		switch {
		case err == nil:
			left = append(left, right)
		case oauth.CodeOf(err) != oauth.CodeInvalidGrant:
			return nil, err
		case refused == nil:
			refused = err
		}
	}
	if len(left) == 0 {
		return nil, refused
	}
	return left, nil
}

// rightAt picks one as accessAt does, of a grant that had others too. An app throws
// away what is answered with invalid_grant; this grant is still good for the others.
func rightAt(left []UserRight, resource string) (UserRight, error) {
	for _, right := range left {
		if resource == "" || right.Resource == resource {
			return right, nil
		}
	}
	return UserRight{}, gone()
}

func gone() *oauth.Error {
	return oauth.InvalidTarget("nothing is granted at this resource any more; at others of the authorization request it is (RFC 8707, Section 2.2)")
}
