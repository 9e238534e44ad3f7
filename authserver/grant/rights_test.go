package grant

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/registry"
)

const api = "https://api.example"

func benchAsk(scopes int) (*policy.Set, Ask) {
	p := policy.Policy{UID: "p", Namespace: "apis", Name: "p", Resource: api}
	c := &registry.Client{Registration: oauth.Registration{ClientID: "apps.app", Managed: &oauth.Managed{
		Owner: oauth.Owner{Namespace: "apps"}, Resources: []string{api}, NamespaceLabels: map[string]string{"team": "shop"},
	}}}
	for i := range scopes {
		name := fmt.Sprintf("scope-%d", i)
		p.Scopes = append(p.Scopes, policy.Scope{Name: name})
		c.Scopes = append(c.Scopes, name)
	}
	p.Allow = []policy.Rule{{NamespaceSelector: &policy.Selector{MatchLabels: map[string]string{"team": "shop"}}, Scopes: c.Scopes}}
	terms := &Terms{Issuer: "https://issuer", DefaultResource: "https://issuer", AccessTokenLifetime: time.Minute}
	return policy.NewSet([]policy.Policy{p}), Ask{Client: c, Grant: oauth.GrantClientCredentials, Scope: strings.Join(c.Scopes, " "), Terms: terms}
}

func BenchmarkResolve(b *testing.B) {
	for _, n := range []int{1, 4, 20} {
		set, ask := benchAsk(n)
		b.Run(fmt.Sprintf("decided/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := resolve(set, ask); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("remembered/%d", n), func(b *testing.B) {
			r := &Rights{Policies: func() *policy.Set { return set }}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Resolve(ask); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestCacheIsBoundedAndNeverWrong(t *testing.T) {
	set, ask := benchAsk(1)
	current := set
	r := &Rights{Policies: func() *policy.Set { return current }}
	if _, err := r.Resolve(ask); err != nil {
		t.Fatal(err)
	}
	current = policy.NewSet(nil)
	if _, err := r.Resolve(ask); oauth.CodeOf(err) != oauth.CodeInvalidScope {
		t.Fatalf("with other policies: %v", err)
	}
	current = set
	shorter := *ask.Terms
	shorter.AccessTokenLifetime = time.Second
	ask.Terms = &shorter
	if right, err := r.Resolve(ask); err != nil || right.Lifetime != time.Second {
		t.Fatalf("with other terms: %v, %v", right, err)
	}
	for range 3 * maxCached {
		client := *ask.Client
		ask.Client = &client
		if _, err := r.Resolve(ask); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	r.cache.current.Load().entries.Range(func(any, any) bool { n++; return true })
	if n > maxCached {
		t.Errorf("%d entries, want at most %d", n, maxCached)
	}
}

// A client that registered neither scopes nor resources gets a token for the server
// itself, also where the default resource is an API; for the API it gets none.
func TestClientWithoutScopesAndResources(t *testing.T) {
	set, ask := benchAsk(1)
	ask.Terms.DefaultResource, ask.Scope = api, ""
	c := *ask.Client
	c.Scopes, c.Managed = nil, &oauth.Managed{Owner: c.Managed.Owner}
	ask.Client = &c
	if right, err := resolve(set, ask); err != nil || right.Resource != ask.Terms.Issuer || right.Scope != "" {
		t.Errorf("no resource asked for: %+v, %v", right, err)
	}
	ask.Resource = api
	if right, err := resolve(set, ask); oauth.CodeOf(err) != oauth.CodeInvalidScope {
		t.Errorf("the API asked for: %+v, %v; want invalid_scope", right, err)
	}
	ask.Resource, c.Managed = "", nil
	if target, err := Target(set, &c, "", ask.Terms); err != nil || target != api {
		t.Errorf("one that registered itself: %s, %v, want the default resource", target, err)
	}
	c.Managed, c.Scopes = &oauth.Managed{Owner: oauth.Owner{Namespace: "apps"}}, []string{"scope-0"}
	if right, err := resolve(set, ask); err == nil && right.Resource != api {
		t.Errorf("with a scope: %+v, want the default resource", right)
	}
}
