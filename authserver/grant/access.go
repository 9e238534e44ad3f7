package grant

import (
	"context"
	"slices"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/store"
)

// A user's grant may be for several resources (RFC 8707, Section 2). A token is for
// one of them: the token request names it (Section 2.2), or gets the first that the
// authorization request named.

// accessAt picks the resource that a token request names, or the first. The error
// is an invalid_target: it is none of the grant's.
func accessAt(g store.Grant, resource string) (store.Access, error) {
	if a, found := resourceAt(g.Access, func(a store.Access) string { return a.Resource }, resource); found {
		return a, nil
	}
	return store.Access{}, oauth.InvalidTarget("the resource is none of those of the authorization request (RFC 8707, Section 2.2)")
}

// present decides by what the server knows of user, client and policy now (FAILURES A4),
// not by what it knew when the grant was made.
type present struct {
	policies *policy.Set
	consents rights.Consents
	users    rights.Users
	grant    oauth.GrantType
	// notNeeded: consent is not needed (rights.Consent).
	notNeeded bool
}

// trusted looks up whether a client that the platform answers for goes without consent.
// The error is the store's.
func (p present) trusted(ctx context.Context, c *registry.Client, subject string) (present, error) {
	var err error
	p.notNeeded, err = p.consents.NotNeeded(ctx, c, subject)
	return p, err
}

// at decides what is left of the scopes that a grant gave at one resource. named: the
// request named it; otherwise the audience may become the issuer. The error is an
// invalid_grant if nothing is left, an invalid_target if nothing is left there; or the
// store's.
func (p present) at(ctx context.Context, g store.Grant, a store.Access, named bool, r Request) (UserRight, error) {
	if len(a.Scopes) == 0 { // to rights.Decide that would mean all that are registered
		return UserRight{}, oauth.InvalidGrant("the grant has no scope at the resource")
	}
	if _, err := rights.Target(p.policies, r.Client, a.Resource, &r.Terms.Terms); err != nil {
		return UserRight{}, oauth.InvalidGrant("the client may not have tokens for the resource any more").WithCause(err)
	}
	user := rights.User{Roles: p.users.Roles(g.Subject, g.Roles), Consent: rights.Consent{NotNeeded: p.notNeeded}}
	if !p.notNeeded {
		var err error
		if user.Consent.Scopes, err = p.consents.Scopes(ctx, r.Client, g.Subject, a.Resource, g.Place); err != nil {
			return UserRight{}, err
		}
	}
	answer, err := rights.Decide(p.policies, rights.Question{
		Client: r.Client, Grant: p.grant, User: &user, Resource: a.Resource, Named: named, Asked: a.Scopes, Terms: &r.Terms.Terms,
	})
	if err != nil {
		return UserRight{}, err
	}
	if len(answer.Granted) == 0 {
		return UserRight{}, nothingLeft(answer)
	}
	return UserRight{Answer: answer, At: a.Resource, Tenant: p.users.Tenant(g.Subject, g.Tenant)}, nil
}

// nothingLeft says why a grant gives nothing.
func nothingLeft(a rights.Answer) error {
	if !slices.ContainsFunc(a.Withheld, func(w rights.Withheld) bool { return w.Reason != rights.NotConsented }) {
		return oauth.InvalidGrant("the user withdrew the consent, or was never asked")
	}
	return oauth.InvalidGrant("nothing of what the user allowed is granted any more")
}

// everywhere decides what is left of a grant, at each resource where anything is; or,
// where the request names none, what is left of the first at the issuer. The error is
// that of the first resource if nothing is left at any; or the store's.
func (p present) everywhere(ctx context.Context, g store.Grant, r Request) ([]UserRight, error) {
	var left []UserRight
	var refused error
	for _, a := range g.Access {
		right, err := p.at(ctx, g, a, true, r)
		switch {
		case err == nil:
			left = append(left, right)
		case !isRefusal(err):
			return nil, err
		case refused == nil:
			refused = err
		}
	}
	if len(left) > 0 {
		return left, nil
	}
	if r.Resource == "" && oauth.CodeOf(refused) == oauth.CodeInvalidTarget {
		right, err := p.at(ctx, g, g.Access[0], false, r)
		return []UserRight{right}, err
	}
	return nil, refused
}

// isRefusal tells that nothing is left at a resource from an outage.
func isRefusal(err error) bool {
	code := oauth.CodeOf(err)
	return code == oauth.CodeInvalidGrant || code == oauth.CodeInvalidTarget
}

// rightAt picks one as accessAt does, of a grant that had others too. An app discards a
// grant that is answered with invalid_grant; this one is still good for the others.
func rightAt(left []UserRight, resource string) (UserRight, error) {
	if right, found := resourceAt(left, func(r UserRight) string { return r.At }, resource); found {
		return right, nil
	}
	return UserRight{}, gone()
}

// resourceAt finds the element that is for a resource (oauth.FindResource), or the first
// if none is named.
func resourceAt[T any](all []T, resourceOf func(T) string, named string) (found T, ok bool) {
	var resources []string
	for _, element := range all {
		resources = append(resources, resourceOf(element))
	}
	if named == "" && len(all) > 0 {
		return all[0], true
	}
	resource, ok := oauth.FindResource(resources, named)
	if !ok {
		return found, false
	}
	return all[slices.Index(resources, resource)], true
}

func gone() *oauth.Error {
	return oauth.InvalidTarget("nothing is granted at this resource any more; at others of the authorization request it is (RFC 8707, Section 2.2)")
}
