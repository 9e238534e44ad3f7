package grant

import (
	"errors"
	"slices"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/store"
)

// UserRight is what a client may have for a user at a resource.
type UserRight struct {
	rights.Answer
	// At is the resource of the grant that it comes from, for which the user consented. It
	// is not the audience where that became the issuer (rights.Decide).
	At string
	// Tenant of the user.
	Tenant string
}

// stillWelcome is the check that the user of a grant may still sign in, and use the
// client.
func stillWelcome(users rights.Users, c *registry.Client, g store.Grant) error {
	welcome, err := users.Welcome(g.Subject, g.Source)
	switch {
	case err != nil:
		return err
	case !welcome:
		return oauth.InvalidGrant("the user may not sign in any more")
	case !rights.StillMayUse(users, c, g):
		return oauth.InvalidGrant("the user may not use this client any more").WithCause(errors.New(rights.NotAllowedReason))
	}
	return nil
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
		Scope:    oauth.JoinScope(right.Granted),
		// No access token outlives its family.
		Lifetime: shorter(right.Lifetime, f.Expires.Sub(now).Truncate(time.Second)),
		Family:   f.ID,
		Roles:    right.Roles,
		Tenant:   right.Tenant,
	}
	if slices.Contains(right.Granted, oauth.ScopeOpenID) {
		issue.Identity = &Identity{SessionID: f.Grant.SessionID, AuthTime: f.Grant.AuthTime}
	}
	return issue
}

// shorter returns the shorter of two lifetimes; b of 0 is no limit.
func shorter(a, b time.Duration) time.Duration {
	if b > 0 && b < a {
		return b
	}
	return a
}
