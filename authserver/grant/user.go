package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
)

// Users says whether somebody who signed in earlier is still welcome, and which
// roles they have now. signin.Roster is one. An error of Welcome says that this is
// not known at the moment: temporarily_unavailable, and no refusal.
type Users interface {
	Welcome(subject string, from store.Source) (bool, error)
	Roles(subject string, atSignIn []string) []string
	Tenant(subject, atSignIn string) string
}

// UserRight is what a client may have for a user at a resource.
type UserRight struct {
	Resource string
	// Scopes in the order asked for; what policy or roles withhold is left out.
	Scopes []string
	// Lifetime of the access token.
	Lifetime time.Duration
	// Roles by which the scopes were granted, sorted.
	Roles []string
	// Tenant of the user.
	Tenant string
}

// stillWelcome is the check that the user of a grant may still sign in.
func stillWelcome(users Users, g store.Grant) error {
	welcome, err := users.Welcome(g.Subject, g.Source)
	if err == nil && !welcome {
		return oauth.InvalidGrant("the user may not sign in any more")
	}
	return err
}

// ForUser says which of the scopes a client may have for a user with these roles
// at a resource. It answers anew each time: policies and roles change.
func (r *Rights) ForUser(c *registry.Client, terms *Terms, roles []string, resource string, scopes []string, grant oauth.GrantType) UserRight {
	policies, client, user := r.Policies(), PolicyClient(c), policy.User{Roles: roles}
	right := UserRight{Resource: resource}
	registered := r.Registered(c, resource)
	var limit time.Duration
	for _, scope := range scopes {
		d := policies.DecideUser(client, user, resource, scope, grant)
		if !d.Granted || !contains(registered, scope) {
			continue
		}
		right.Scopes = append(right.Scopes, scope)
		limit = shortest(limit, d.MaxLifetime)
		for _, role := range policies.RequiredRoles(resource, scope) {
			if contains(roles, role) && !contains(right.Roles, role) {
				right.Roles = append(right.Roles, role)
			}
		}
	}
	slices.Sort(right.Roles)
	right.Lifetime = accessLifetime(c, terms, limit)
	return right
}

// RememberedConsent returns the scopes that a person allowed a client for a
// resource at a place (oauth.Registration.ConsentPlace), none if they were never asked.
// What was allowed to an earlier incarnation of the client, or when it was not what it is
// now, does not count. The error is the store's.
func RememberedConsent(ctx context.Context, consents store.Consents, c *registry.Client, subject, resource, place string) ([]string, error) {
	consent, err := consents.Consent(ctx, store.ConsentKey{
		Subject: subject, ClientID: c.ClientID, Resource: resource,
		Place: place, Promise: c.ConsentPromise(), Since: c.Since(),
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading a consent: %w", err)
	}
	return consent.Scopes, nil
}

// Unasked tells whether a person need not be asked about a client that is trusted:
// not if they took its access away. The error is the store's.
func Unasked(ctx context.Context, consents store.Consents, c *registry.Client, subject string) (bool, error) {
	withdrawn, err := consents.Withdrawn(ctx, subject, c.ClientID, c.Since())
	if err != nil {
		return false, fmt.Errorf("reading a withdrawal: %w", err)
	}
	return !withdrawn, nil
}

// RefreshLifetimes returns how long a refresh token family of a client lives
// altogether, and unused; both 0: the client has no refresh tokens.
func RefreshLifetimes(c *registry.Client, terms *Terms) (absolute, idle time.Duration) {
	if !slices.Contains(c.GrantTypes, oauth.GrantRefreshToken) {
		return 0, 0
	}
	absolute, idle = terms.RefreshLifetime, terms.RefreshIdle
	if m := c.Managed; m != nil {
		absolute = shorter(absolute, time.Duration(m.RefreshTokenLifetime)*time.Second)
		idle = shorter(idle, time.Duration(m.RefreshTokenIdleLifetime)*time.Second)
	}
	return absolute, min(idle, absolute)
}

// issueOf puts together what both of the users' grants give.
func issueOf(f store.Family, right UserRight, now time.Time) Issue {
	issue := Issue{
		Subject:  f.Grant.Subject,
		Resource: right.Resource,
		Scope:    oauth.JoinScope(right.Scopes),
		// No access token outlives its family.
		Lifetime: shorter(right.Lifetime, f.Expires.Sub(now).Truncate(time.Second)),
		Family:   f.ID,
		Roles:    right.Roles,
		Tenant:   right.Tenant,
	}
	if contains(right.Scopes, oauth.ScopeOpenID) {
		issue.Identity = &Identity{SessionID: f.Grant.SessionID, AuthTime: f.Grant.AuthTime}
	}
	return issue
}
