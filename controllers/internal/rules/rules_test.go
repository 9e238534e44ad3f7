package rules

import (
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestPolicyForUsers(t *testing.T) {
	sp := &v1alpha1.ScopePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "api", UID: "uid", Generation: 2,
		CreationTimestamp: metav1.NewTime(time.Unix(1_700_000_000, 0))}}
	sp.Spec.Resource = "https://api.example"
	sp.Spec.Scopes = []v1alpha1.ScopeDeclaration{{Name: "a", Roles: []string{"admin"}, GrantableTo: []v1alpha1.Grantee{v1alpha1.GrantableToUsers}}}
	sp.Spec.Allow = []v1alpha1.AllowRule{
		{SelfRegistered: true, Scopes: []string{"a"}, GrantTypes: []v1alpha1.GrantType{v1alpha1.GrantAuthorizationCode}},
		{Scopes: []string{"a"}}, // of a newer API: never everybody
	}
	sp.Spec.ResourceServers = []v1alpha1.ResourceServerReference{{Name: "api"}, {Namespace: "other", Name: "api"}}
	got := Policy(sp)
	if err := got.Validate(); err != nil {
		t.Fatal(err)
	}
	want := policy.Policy{
		UID: "uid", Namespace: "shop", Name: "api", Generation: 2, Created: got.Created, Resource: "https://api.example",
		Scopes: []policy.Scope{{Name: "a", Roles: []string{"admin"}, GrantableTo: []policy.Grantee{policy.Users}}},
		Allow: []policy.Rule{
			{SelfRegistered: true, Scopes: []string{"a"}, GrantTypes: []oauth.GrantType{oauth.GrantAuthorizationCode}},
			{Namespaces: []string{"shop"}, Scopes: []string{"a"}},
		},
		ResourceServers: []policy.ResourceServer{{Namespace: "shop", Name: "api"}, {Namespace: "other", Name: "api"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	sp.Spec.Scopes[0].GrantableTo = []v1alpha1.Grantee{"Robots"}
	if Policy(sp).Validate() == nil {
		t.Error("a grantee that is not known here is as good as none")
	}
}
