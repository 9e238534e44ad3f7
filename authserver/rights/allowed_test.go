package rights_test

import (
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/store"
)

func TestB14MayUse(t *testing.T) {
	entry := func(groups, roles string) oauth.AllowedUsers {
		return oauth.AllowedUsers{Groups: strings.Fields(groups), Roles: strings.Fields(roles)}
	}
	for rule, c := range map[string]struct {
		allowed       []oauth.AllowedUsers
		groups, roles string
		want          bool
	}{
		"absent: everyone":                {nil, "", "", true},
		"one of the groups":               {[]oauth.AllowedUsers{entry("sales support", "")}, "staff support", "", true},
		"none of the groups":              {[]oauth.AllowedUsers{entry("sales support", "")}, "staff", "sales", false},
		"one of the roles":                {[]oauth.AllowedUsers{entry("", "admin lead")}, "", "lead", true},
		"none of the roles":               {[]oauth.AllowedUsers{entry("", "admin lead")}, "admin", "reader", false},
		"group and role":                  {[]oauth.AllowedUsers{entry("sales", "lead")}, "sales", "lead", true},
		"the group without the role":      {[]oauth.AllowedUsers{entry("sales", "lead")}, "sales", "", false},
		"the role without the group":      {[]oauth.AllowedUsers{entry("sales", "lead")}, "", "lead", false},
		"the second entry":                {[]oauth.AllowedUsers{entry("sales", "lead"), entry("", "admin")}, "", "admin", true},
		"the halves of two entries":       {[]oauth.AllowedUsers{entry("sales", "lead"), entry("support", "admin")}, "sales", "admin", false},
		"another case is another name":    {[]oauth.AllowedUsers{entry("sales", "")}, "Sales", "", false},
		"a user without groups and roles": {[]oauth.AllowedUsers{entry("sales", "")}, "", "", false},
		"an entry with neither: no user":  {[]oauth.AllowedUsers{entry("", "")}, "sales", "admin", false},
		"a list without entries: no user": {[]oauth.AllowedUsers{}, "sales", "admin", false},
	} {
		client := &registry.Client{Registration: oauth.Registration{Managed: &oauth.Managed{AllowedUsers: c.allowed}}}
		if got := rights.MayUse(client, strings.Fields(c.groups), strings.Fields(c.roles)); got != c.want {
			t.Errorf("%s: %v", rule, got)
		}
	}
	if !rights.MayUse(&registry.Client{}, nil, nil) {
		t.Error("a client that registered itself is for everyone")
	}
}

// B14: of the user of a grant the groups and roles of now count, not those in the grant.
func TestB14StillMayUse(t *testing.T) {
	client := &registry.Client{Registration: oauth.Registration{Managed: &oauth.Managed{
		AllowedUsers: []oauth.AllowedUsers{{Groups: []string{"sales"}, Roles: []string{"lead"}}},
	}}}
	member := store.Grant{Groups: []string{"sales"}, Roles: []string{"lead"}}
	for rule, c := range map[string]struct {
		now   directory
		grant store.Grant
		want  bool
	}{
		"as at the sign-in": {directory{"sales", "lead"}, member, true},
		"the group is gone": {directory{"staff", "lead"}, member, false},
		"the role is gone":  {directory{"sales", "reader"}, member, false},
		"joined since":      {directory{"sales", "lead"}, store.Grant{}, true},
	} {
		if got := rights.StillMayUse(c.now, client, c.grant); got != c.want {
			t.Errorf("%s: %v", rule, got)
		}
	}
}

// directory answers with one group and one role.
type directory struct{ group, role string }

func (directory) Welcome(string, store.Source) (bool, error) { return true, nil }

func (d directory) Groups(string, []string) []string { return []string{d.group} }

func (d directory) Roles(string, []string) []string { return []string{d.role} }

func (directory) Tenant(_, atSignIn string) string { return atSignIn }
