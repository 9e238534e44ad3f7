package tokenstatus

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/token"
)

const (
	issuer = "https://login.example"
	orders = "https://orders.example"
)

var now = time.Unix(1_900_000_000, 0).UTC()

func client(scopes string, change ...func(*registry.Client)) *registry.Client {
	c := &registry.Client{
		Registration: oauth.Registration{ClientID: "apps.app", Managed: &oauth.Managed{Resources: []string{orders}}},
		Created:      now, Scopes: strings.Fields(scopes),
	}
	for _, f := range change {
		f(c)
	}
	return c
}

func TestClientIsGood(t *testing.T) {
	for rule, c := range map[string]struct {
		client *registry.Client
		issued time.Time
		active bool
	}{
		"issued since":           {client(""), now, true},
		"disabled":               {client("", func(c *registry.Client) { c.Managed.Disabled = true }), now, false},
		"an earlier client":      {client(""), now.Add(-time.Second), false},
		"an earlier incarnation": {client("", func(c *registry.Client) { c.NotBefore = now.Add(time.Hour) }), now.Add(time.Minute), false},
		"registered itself":      {client("", func(c *registry.Client) { c.Managed = nil }), now, true},
	} {
		checker := Checker{Client: func(context.Context, string) (*registry.Client, error) { return c.client, nil }}
		if _, err := checker.client(t.Context(), "id", c.issued.Unix()); (err == nil) != c.active || err != nil && !Inactive(err) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	outage := errors.New("connection refused")
	for _, want := range []error{ErrInactive, outage} {
		checker := Checker{Client: func(context.Context, string) (*registry.Client, error) { return nil, want }}
		if _, err := checker.client(t.Context(), "id", now.Unix()); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

func TestFamilyIsGood(t *testing.T) {
	for rule, c := range map[string]struct {
		family store.Family
		active bool
	}{
		"lives":            {store.Family{Expires: now.Add(time.Second)}, true},
		"revoked":          {store.Family{Expires: now.Add(time.Hour), Revoked: now}, false},
		"expired":          {store.Family{Expires: now}, false},
		"has no end of it": {store.Family{}, true},
	} {
		checker := Checker{Revocations: records{family: c.family}, Users: people{welcome: true}}
		if _, err := checker.family(t.Context(), "id", client(""), now); (err == nil) != c.active || err != nil && !Inactive(err) {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// B14: a user who may not use the client any more has no active token of it.
func TestB14TheUserMayUseTheClient(t *testing.T) {
	sales := client("", func(c *registry.Client) { c.Managed.AllowedUsers = []oauth.AllowedUsers{{Groups: []string{"sales"}}} })
	for group, active := range map[string]bool{"sales": true, "staff": false} {
		family := store.Family{Expires: now.Add(time.Hour), Grant: store.Grant{Groups: []string{group}}}
		checker := Checker{Revocations: records{family: family}, Users: people{welcome: true}}
		if _, err := checker.family(t.Context(), "id", sales, now); (err == nil) != active || err != nil && !Inactive(err) {
			t.Errorf("%s: %v", group, err)
		}
	}
}

func policies() *policy.Set {
	return policy.NewSet([]policy.Policy{{
		UID: "p", Namespace: "n", Name: "p", Resource: orders,
		Scopes: []policy.Scope{{Name: "read"}, {Name: "admin", Roles: []string{"admin"}}, {Name: "denied"}},
		Allow:  []policy.Rule{{Scopes: []string{"read", "admin"}}},
	}})
}

func TestNarrow(t *testing.T) {
	terms := &rights.Terms{Issuer: issuer, DefaultResource: orders, AccessTokenLifetime: time.Minute}
	ada := &store.Family{Grant: store.Grant{Subject: "user/ada", Roles: []string{"admin"}}}
	bob := &store.Family{Grant: store.Grant{Subject: "user/bob"}}
	const all = "openid read admin denied"
	for rule, c := range map[string]struct {
		client          *registry.Client
		family          *store.Family
		audience, scope string
		want, roles     string
		inactive        bool
	}{
		"all of it":                    {client(all), ada, orders, "openid read admin", "openid read admin", "admin", false},
		"a role is gone":               {client(all), bob, orders, "openid read admin", "openid read", "", false},
		"policy allows it no more":     {client(all), ada, orders, "read denied", "read", "", false},
		"the client gave it back":      {client("read"), ada, orders, "read admin", "read", "", false},
		"nothing is left":              {client(all), ada, orders, "denied", "", "", true},
		"S2 identity alone at an API":  {client(all), bob, orders, "openid admin", "", "", true},
		"S2 identity at the issuer":    {client(all), bob, issuer, "openid", "openid", "", false},
		"the resource is gone":         {client(all), ada, "https://payroll.example", "read", "", "", true},
		"a machine's":                  {client(all), nil, orders, "read denied", "read", "", false},
		"a machine's of users' scopes": {client(all), nil, orders, "admin", "", "", true},
		"a machine's without scope":    {client("", func(c *registry.Client) { c.Managed.Resources = nil }), nil, issuer, "", "", "", false},
		"that, at an API":              {client("", func(c *registry.Client) { c.Managed.Resources = nil }), nil, "https://other.example", "", "", "", true},
	} {
		a := Access{AccessClaims: token.AccessClaims{Audience: c.audience, Scope: c.scope}, Client: c.client, Family: c.family}
		err := a.narrow(policies(), people{}, terms)
		switch {
		case c.inactive != Inactive(err), !c.inactive && err != nil:
			t.Errorf("%s: %v", rule, err)
		case err == nil && (a.Scope != c.want || strings.Join(a.Roles, " ") != c.roles):
			t.Errorf("%s: scope %q, roles %q", rule, a.Scope, a.Roles)
		}
	}
}

// records answer as the store does.
type records struct {
	family  store.Family
	revoked bool
	err     error
}

func (r records) Family(context.Context, string) (store.Family, error) { return r.family, r.err }

func (r records) TokenRevoked(context.Context, string) (bool, error) { return r.revoked, r.err }

// people answers as the users document does.
type people struct {
	welcome bool
	err     error
}

func (p people) Welcome(string, store.Source) (bool, error) { return p.welcome, p.err }

func (people) Groups(_ string, atSignIn []string) []string { return atSignIn }

func (people) Roles(_ string, atSignIn []string) []string { return atSignIn }

func (people) Tenant(_, atSignIn string) string { return atSignIn }

// TestAnOutageIsNoAnswer: what cannot be read is never reported as an inactive token.
func TestAnOutageIsNoAnswer(t *testing.T) {
	outage := errors.New("connection refused")
	good := store.Family{Expires: now.Add(time.Hour)}
	for rule, c := range map[string]struct {
		records  records
		users    people
		inactive bool
		outage   bool
	}{
		"good":                    {records{family: good}, people{welcome: true}, false, false},
		"swept":                   {records{err: store.ErrNotFound}, people{welcome: true}, true, false},
		"the store is out":        {records{err: outage}, people{welcome: true}, false, true},
		"may not sign in":         {records{family: good}, people{}, true, false},
		"nobody can tell at once": {records{family: good}, people{err: outage}, false, true},
	} {
		_, err := Checker{Revocations: c.records, Users: c.users}.family(t.Context(), "id", client(""), now)
		if Inactive(err) != c.inactive || errors.Is(err, outage) != c.outage {
			t.Errorf("%s: %v", rule, err)
		}
	}
	for rule, c := range map[string]struct {
		records records
		want    error
	}{
		"not revoked":      {records{}, nil},
		"revoked":          {records{revoked: true}, ErrInactive},
		"the store is out": {records{err: outage}, outage},
	} {
		if err := (Checker{Revocations: c.records}).alone(t.Context(), "jti"); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if _, err := (Checker{}).Check(t.Context(), nil, nil, "x", now); !Inactive(err) {
		t.Errorf("without signing keys: %v", err)
	}
}
