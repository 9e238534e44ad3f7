package rights

import (
	"slices"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
)

// NotAllowedReason is why a user may not use a client, for logs: it names no group and no
// role.
const NotAllowedReason = "the user matches no entry of the client's users.allow"

// MayUse reports whether a user with these groups and roles may use a client
// (oauth.Managed.AllowedUsers). One entry that matches is enough.
func MayUse(c *registry.Client, groups, roles []string) bool {
	if c.Managed == nil || c.Managed.AllowedUsers == nil {
		return true
	}
	return slices.ContainsFunc(c.Managed.AllowedUsers, func(a oauth.AllowedUsers) bool {
		return matches(a, groups, roles)
	})
}

// StillMayUse is MayUse for the user of a grant, as the user is now.
func StillMayUse(users Users, c *registry.Client, g store.Grant) bool {
	return MayUse(c, users.Groups(g.Subject, g.Groups), users.Roles(g.Subject, g.Roles))
}

// matches one entry. An entry that lists nothing matches no user.
func matches(a oauth.AllowedUsers, groups, roles []string) bool {
	if len(a.Groups) == 0 && len(a.Roles) == 0 {
		return false
	}
	return hasOne(a.Groups, groups) && hasOne(a.Roles, roles)
}

// hasOne reports whether one of the names is held, or none is listed.
func hasOne(listed, held []string) bool {
	return len(listed) == 0 || slices.ContainsFunc(listed, func(name string) bool { return slices.Contains(held, name) })
}
