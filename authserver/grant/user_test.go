package grant

import (
	"errors"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/store"
)

// people answers Welcome with what it is.
type people struct {
	welcome bool
	err     error
}

func (p people) Welcome(string, store.Source) (bool, error) { return p.welcome, p.err }

func (people) Groups(_ string, atSignIn []string) []string { return atSignIn }

func (people) Roles(_ string, atSignIn []string) []string { return atSignIn }

func (people) Tenant(_, atSignIn string) string { return atSignIn }

// TestWhoIsNotKnownIsNoInvalidGrant: an app throws its refresh token away at an
// invalid_grant, so that only somebody who is known not to be welcome gets one.
func TestWhoIsNotKnownIsNoInvalidGrant(t *testing.T) {
	for rule, c := range map[string]struct {
		people
		want oauth.Code
	}{
		"welcome":      {people{true, nil}, ""},
		"not welcome":  {people{false, nil}, oauth.CodeInvalidGrant},
		"not known":    {people{false, oauth.TemporarilyUnavailable("not yet")}, oauth.CodeTemporarilyUnavailable},
		"out of order": {people{false, errors.New("broken")}, oauth.CodeServerError},
	} {
		if got := oauth.CodeOf(stillWelcome(c.people, &registry.Client{}, store.Grant{Subject: "user/ada"})); got != c.want {
			t.Errorf("%s: %q, want %q", rule, got, c.want)
		}
		if c.want == "" {
			continue
		}
		_, err := AuthorizationCode{Users: c.people, Policies: func() *policy.Set { return nil }}.stillAllowed(t.Context(), store.Code{}, Request{})
		if got := oauth.CodeOf(err); got != c.want {
			t.Errorf("%s: a code is answered with %q, want %q", rule, got, c.want)
		}
	}
}

// B14: a user who may not use the client any more gets an invalid_grant. One of whom it is
// not known whether they may sign in gets none.
func TestB14TheUserMayUseTheClient(t *testing.T) {
	sales := &registry.Client{Registration: oauth.Registration{Managed: &oauth.Managed{AllowedUsers: []oauth.AllowedUsers{{Groups: []string{"sales"}}}}}}
	for rule, c := range map[string]struct {
		people
		group string
		want  oauth.Code
	}{
		"in the group":     {people{true, nil}, "sales", ""},
		"not in the group": {people{true, nil}, "staff", oauth.CodeInvalidGrant},
		"not known":        {people{false, oauth.TemporarilyUnavailable("not yet")}, "staff", oauth.CodeTemporarilyUnavailable},
	} {
		g := store.Grant{Subject: "user/ada", Groups: []string{c.group}}
		if got := oauth.CodeOf(stillWelcome(c.people, sales, g)); got != c.want {
			t.Errorf("%s: %q, want %q", rule, got, c.want)
		}
	}
}
