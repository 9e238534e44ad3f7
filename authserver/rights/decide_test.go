package rights_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
	"clientele.dev/clientele/authserver/rights"
	"clientele.dev/clientele/authserver/store"
)

const (
	issuer  = "https://login.example"
	orders  = "https://orders.example"
	payroll = "https://payroll.example"

	code    = oauth.GrantAuthorizationCode
	refresh = oauth.GrantRefreshToken
	machine = oauth.GrantClientCredentials
)

// policies of two APIs; those of payroll name no client of these tests.
func policies() *policy.Set {
	shop := []string{"shop"}
	return policy.NewSet([]policy.Policy{
		{
			UID: "orders", Namespace: "orders", Name: "orders", Resource: orders,
			Scopes: []policy.Scope{
				{Name: "read"},
				{Name: "write", Roles: []string{"editor", "owner"}, MaxAccessTokenLifetime: 60},
				{Name: "batch", GrantableTo: []policy.Grantee{policy.Clients}},
				{Name: "web", GrantableTo: []policy.Grantee{policy.Users}},
				{Name: "secret"},
				{Name: "open"},
			},
			Allow: []policy.Rule{
				{Namespaces: shop, Scopes: []string{"read", "write", "batch", "web"}},
				{SelfRegistered: true, Scopes: []string{"open"}},
			},
		},
		{
			UID: "payroll", Namespace: "payroll", Name: "payroll", Resource: payroll,
			Scopes: []policy.Scope{{Name: "salaries"}},
			Allow:  []policy.Rule{{Namespaces: []string{"hr"}, Scopes: []string{"salaries"}}},
		},
	})
}

var terms = &rights.Terms{Issuer: issuer, DefaultResource: payroll, AccessTokenLifetime: 15 * time.Minute}

// declared is a client of namespace shop that registered these scopes.
func declared(scopes string, resources ...string) *registry.Client {
	return &registry.Client{
		Registration: oauth.Registration{ClientID: "shop.app", Managed: &oauth.Managed{
			Owner: oauth.Owner{Namespace: "shop", Name: "app"}, Resources: resources,
		}},
		Scopes: strings.Fields(scopes),
	}
}

func selfRegistered(scopes string) *registry.Client {
	return &registry.Client{Registration: oauth.Registration{ClientID: "x"}, Self: &store.Self{}, Scopes: strings.Fields(scopes)}
}

const all = "openid profile read write batch web secret"

func TestDecide(t *testing.T) {
	editor := func(consented string) *rights.User {
		return &rights.User{Roles: []string{"editor"}, Consent: rights.Consent{Scopes: strings.Fields(consented)}}
	}
	asking := func(consented string) *rights.User {
		u := editor(consented)
		u.Consent.CanAsk = true
		return u
	}
	trusted := &rights.User{Consent: rights.Consent{NotNeeded: true, CanAsk: true, AskAgain: true}}
	for rule, c := range map[string]struct {
		client   *registry.Client
		grant    oauth.GrantType
		user     *rights.User
		resource string
		named    bool
		asked    string
		// what is right: audience (default: resource), granted, "scope=reason" withheld,
		// missing consent, error
		audience, granted, withheld, missing string
		ask                                  bool
		err                                  oauth.Code
	}{
		"machine: what policy allows it": {client: declared(all), grant: machine, resource: orders,
			granted: "read batch", withheld: "openid=NotForClients profile=NotForClients write=NotForClients web=NotForClients secret=NotAllowed"}, // S16: write has roles
		"machine: asked by name": {client: declared(all), grant: machine, resource: orders, named: true, asked: "read", granted: "read"},
		"machine: not registered": {client: declared("read"), grant: machine, resource: orders, asked: "write read",
			granted: "read", withheld: "write=NotRegistered"},
		"machine: an API that names it in no policy": {client: declared(all), grant: machine, resource: payroll, asked: "read", withheld: "read=NotDeclared"},
		"machine: OpenID scopes are for users":       {client: declared(all), grant: machine, resource: issuer, named: true, asked: "openid", withheld: "openid=NotForClients"},

		"user: first time": {client: declared(all), grant: code, user: asking(""), resource: orders, asked: "openid read write secret",
			granted: "openid read write", withheld: "secret=NotAllowed", missing: "openid read write", ask: true},
		"user: all registered where none is asked": {client: declared(all), grant: code, user: asking(""), resource: orders,
			granted: "openid profile read write web", withheld: "batch=NotForUsers secret=NotAllowed", missing: "openid profile read write web", ask: true},
		"user: all remembered":                      {client: declared(all), grant: code, user: asking("openid read"), resource: orders, asked: "openid read", granted: "openid read"},
		"user: one is new":                          {client: declared(all), grant: code, user: asking("openid"), resource: orders, asked: "openid read", granted: "openid read", missing: "read", ask: true},
		"user: remembered and not granted any more": {client: declared(all), grant: code, user: asking("secret"), resource: orders, asked: "secret", withheld: "secret=NotAllowed"},
		"user: ask again": {client: declared(all), grant: code, resource: orders, asked: "read", granted: "read", ask: true,
			user: &rights.User{Consent: rights.Consent{Scopes: []string{"read"}, CanAsk: true, AskAgain: true}}},
		"user: trusted client":      {client: declared(all), grant: code, user: trusted, resource: orders, asked: "read", granted: "read", missing: ""},
		"user: role missing":        {client: declared(all), grant: code, user: trusted, resource: orders, asked: "read write", granted: "read", withheld: "write=RoleMissing"},
		"user: without consent":     {client: declared(all), grant: refresh, user: editor("read"), resource: orders, asked: "read write", granted: "read", withheld: "write=NotConsented"},
		"user: consent withdrawn":   {client: declared(all), grant: refresh, user: editor(""), resource: orders, asked: "read", withheld: "read=NotConsented"},
		"user: for machines only":   {client: declared(all), grant: code, user: trusted, resource: orders, asked: "batch", withheld: "batch=NotForUsers"},
		"user: not registered":      {client: declared("openid"), grant: code, user: trusted, resource: orders, asked: "read", withheld: "read=NotRegistered"},
		"user: not registered OIDC": {client: declared("read"), grant: code, user: trusted, resource: orders, asked: "email read", granted: "read", withheld: "email=NotRegistered"},

		// FIELD S2: scopes of OpenID Connect at a resource.
		"S2 beside a scope of the API": {client: declared(all), grant: code, user: trusted, resource: orders, named: true, asked: "openid read", granted: "openid read"},
		"S2 alone at a named API":      {client: declared(all), grant: code, user: trusted, resource: orders, named: true, asked: "openid", err: oauth.CodeInvalidTarget},
		"S2 alone at the default":      {client: declared(all), grant: code, user: trusted, resource: orders, asked: "openid profile", audience: issuer, granted: "openid profile"},
		"S2 an API without a policy for it, named": {client: declared(all), grant: code, user: trusted, resource: payroll, named: true, asked: "openid salaries",
			err: oauth.CodeInvalidTarget},
		"S2 an API without a policy for it, default": {client: declared("openid salaries"), grant: code, user: trusted, resource: payroll, asked: "openid salaries",
			audience: issuer, granted: "openid", withheld: "salaries=NotAllowed"},
		"S2 the API's scope fails for the role": {client: declared(all), grant: code, user: trusted, resource: orders, named: true, asked: "openid write", err: oauth.CodeInvalidTarget},
		"S2 the API's scope lacks consent": {client: declared(all), grant: refresh, user: editor("openid"), resource: orders, asked: "openid read",
			audience: issuer, granted: "openid", withheld: "read=NotConsented"},
		"S2 at the issuer, named":           {client: declared(all), grant: code, user: trusted, resource: issuer, named: true, asked: "openid read", granted: "openid", withheld: "read=NotDeclared"},
		"S2 without OpenID scopes no error": {client: declared(all), grant: code, user: trusted, resource: orders, named: true, asked: "secret", withheld: "secret=NotAllowed"},
		"S2 a stranger at the default":      {client: selfRegistered("openid read"), grant: code, user: trusted, resource: payroll, audience: issuer, granted: "openid", withheld: "read=NotDeclared"},
		"S2 a stranger at a named API":      {client: selfRegistered("openid read"), grant: code, user: trusted, resource: payroll, named: true, err: oauth.CodeInvalidTarget},

		"a stranger that registered no scope means those of the API":   {client: selfRegistered(""), grant: code, user: trusted, resource: orders, granted: "open"},
		"a stranger that registered no scope may ask for OpenID's":     {client: selfRegistered(""), grant: code, user: trusted, resource: orders, asked: "openid open", granted: "openid open"},
		"a stranger that registered no scope has no others":            {client: selfRegistered(""), grant: code, user: trusted, resource: orders, asked: "read", withheld: "read=NotRegistered"},
		"a stranger that registered no scope where none is open to it": {client: selfRegistered(""), grant: code, user: trusted, resource: payroll},
	} {
		t.Run(rule, func(t *testing.T) {
			a, err := rights.Decide(policies(), rights.Question{
				Client: c.client, Grant: c.grant, User: c.user, Resource: c.resource, Named: c.named, Asked: strings.Fields(c.asked), Terms: terms,
			})
			if c.err != "" {
				if oauth.CodeOf(err) != c.err || len(a.Granted) > 0 {
					t.Fatalf("%+v, %v; want %s", a, err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var withheld []string
			for _, w := range a.Withheld {
				withheld = append(withheld, w.Scope+"="+string(w.Reason))
			}
			if c.audience == "" {
				c.audience = c.resource
			}
			for what, pair := range map[string][2]string{
				"audience": {a.Resource, c.audience},
				"granted":  {strings.Join(a.Granted, " "), c.granted},
				"withheld": {strings.Join(withheld, " "), c.withheld},
				"missing":  {strings.Join(a.Missing, " "), c.missing},
				"asks":     {fmt.Sprint(a.NeedsConsent), fmt.Sprint(c.ask)},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s %q, want %q", what, pair[0], pair[1])
				}
			}
		})
	}
}

// TestS2TheErrorSaysWhatIsWithheld: to a user without the role, who asked for a scope of the
// API, it does not say that none was asked for.
func TestS2TheErrorSaysWhatIsWithheld(t *testing.T) {
	user := &rights.User{Consent: rights.Consent{NotNeeded: true}}
	for asked, want := range map[string]string{"openid write": "scope write is not granted for the resource (RoleMissing)", "email openid": "no scope of the resource is asked for"} {
		_, err := rights.Decide(policies(), rights.Question{
			Client: declared("openid write"), Grant: code, User: user, Resource: orders, Named: true, Asked: strings.Fields(asked), Terms: terms,
		})
		if oauth.CodeOf(err) != oauth.CodeInvalidTarget || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", asked, err)
		}
	}
}

// TestDefaultDeny: without a policy no API grants anything, whatever is asked.
func TestDefaultDeny(t *testing.T) {
	for _, set := range []*policy.Set{nil, policy.NewSet(nil)} {
		for _, grant := range []oauth.GrantType{code, refresh, machine} {
			for _, c := range []*registry.Client{declared(all, orders), selfRegistered(all), selfRegistered("")} {
				q := rights.Question{Client: c, Grant: grant, Resource: orders, Terms: terms, Asked: strings.Fields(all)}
				if grant != machine {
					q.User = &rights.User{Roles: []string{"editor"}, Consent: rights.Consent{NotNeeded: true}}
				}
				for _, q.Named = range []bool{false, true} {
					if a, err := rights.Decide(set, q); err == nil && a.Resource == orders && len(a.Granted) > 0 {
						t.Errorf("%s, named %v: %+v", grant, q.Named, a)
					}
				}
			}
		}
	}
}

// TestRolesAndLifetime: the roles of the answer are the user's among those that the
// granted scopes need; the lifetime is the shortest that server, scope and client say.
func TestRolesAndLifetime(t *testing.T) {
	user := &rights.User{Roles: []string{"owner", "other", "editor"}, Consent: rights.Consent{NotNeeded: true}}
	q := rights.Question{Client: declared(all), Grant: code, User: user, Resource: orders, Asked: []string{"read", "write"}, Terms: terms}
	a, err := rights.Decide(policies(), q)
	if err != nil || !slices.Equal(a.Roles, []string{"editor", "owner"}) || a.Lifetime != time.Minute {
		t.Errorf("%+v, %v", a, err)
	}
	q.Asked = []string{"read"}
	if a, _ := rights.Decide(policies(), q); len(a.Roles) > 0 || a.Lifetime != 15*time.Minute {
		t.Errorf("a scope without roles: %+v", a)
	}
	q.Client.Managed.AccessTokenLifetime = 30
	if a, _ := rights.Decide(policies(), q); a.Lifetime != 30*time.Second {
		t.Errorf("a client's own lifetime: %v", a.Lifetime)
	}
	q.Client.Managed.AccessTokenLifetime = 3600
	if a, _ := rights.Decide(policies(), q); a.Lifetime != 15*time.Minute {
		t.Errorf("a client lengthens the server's lifetime to %v", a.Lifetime)
	}
}

func TestAll(t *testing.T) {
	a := rights.Answer{Granted: []string{"read"}}
	if err := a.All(); err != nil {
		t.Error(err)
	}
	a.Withheld = []rights.Withheld{{Scope: "write", Reason: policy.NotAllowed}}
	if err := a.All(); oauth.CodeOf(err) != oauth.CodeInvalidScope || !strings.Contains(err.Error(), "write") {
		t.Error(err)
	}
}

func TestTarget(t *testing.T) {
	for rule, c := range map[string]struct {
		client      *registry.Client
		named, want string
	}{
		"the first that it registered":                        {declared("read", orders, payroll), "", orders},
		"one that it registered":                              {declared("read", orders, payroll), payroll, payroll},
		"one that it did not register":                        {declared("read", orders), payroll, ""},
		"the server's default":                                {declared("read"), "", payroll},
		"the server's default, named":                         {declared("read"), payroll, payroll},
		"not the server's default where it registered others": {declared("read", orders), payroll, ""},
		"neither scopes nor resources: the issuer":            {declared(""), "", issuer},
		"the issuer, named":                                   {declared("read", orders), issuer, issuer},
		"a stranger: the default":                             {selfRegistered("read"), "", payroll},
		"a stranger: one that is open to it":                  {selfRegistered("read"), orders, orders},
		"a stranger: one that is not":                         {selfRegistered("read"), "https://other.example", ""},
		"no URI":                                              {declared("read", orders), "orders", ""},
	} {
		got, err := rights.Target(policies(), c.client, c.named, terms)
		if got != c.want || (c.want == "") != (oauth.CodeOf(err) == oauth.CodeInvalidTarget) {
			t.Errorf("%s: %q, %v; want %q", rule, got, err, c.want)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{1, 4, 20} {
		p := policy.Policy{UID: "p", Namespace: "apis", Name: "p", Resource: orders}
		c := declared("", orders)
		c.Managed.NamespaceLabels = map[string]string{"team": "shop"}
		for i := range n {
			name := fmt.Sprintf("scope-%d", i)
			p.Scopes = append(p.Scopes, policy.Scope{Name: name})
			c.Scopes = append(c.Scopes, name)
		}
		p.Allow = []policy.Rule{{NamespaceSelector: &policy.Selector{MatchLabels: map[string]string{"team": "shop"}}, Scopes: c.Scopes}}
		set := policy.NewSet([]policy.Policy{p})
		q := rights.Question{Client: c, Grant: machine, Resource: orders, Asked: c.Scopes, Terms: terms}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if a, err := rights.Decide(set, q); err != nil || len(a.Granted) != n {
					b.Fatal(a, err)
				}
			}
		})
	}
}
