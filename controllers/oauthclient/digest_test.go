package oauthclient

import (
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/rules"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The digests of what was registered before clients acted for users: with others
// every client would be registered anew when the operator is upgraded.
func TestDigestsFromBeforeUsersAreStable(t *testing.T) {
	meta := metav1.ObjectMeta{Namespace: "ns", Name: "app", UID: "uid", Generation: 3, Labels: map[string]string{"a": "b"},
		CreationTimestamp: metav1.NewTime(time.Unix(1_700_000_000, 0))}
	least := &v1alpha1.OAuthClient{ObjectMeta: meta}
	least.Spec.GrantTypes = []v1alpha1.GrantType{v1alpha1.GrantClientCredentials}
	least.Spec.AuthMethod = v1alpha1.AuthClientSecretBasic
	full := least.DeepCopy()
	full.Spec.AuthMethod = v1alpha1.AuthClientSecretPost
	full.Spec.Scopes = []string{"b", "a"}
	full.Spec.Resources = []string{"https://b.example", "https://a.example"}
	full.Spec.Tokens = &v1alpha1.ClientTokens{AccessTokenLifetime: &metav1.Duration{Duration: 5 * time.Minute}}
	full.Spec.Disabled = true
	for name, tc := range map[string]struct {
		client *v1alpha1.OAuthClient
		want   string
	}{
		"least": {least, "1ebb96ee7ff78e49d5d06b67612729efb6c866ffa1a67383bb2df0539e40083b"},
		"full":  {full, "05a594e4274bd33d584e5f0306a89018de554fa6f975608cb7f760619b780a27"},
	} {
		rec := newRecord(tc.client, time.Unix(1_800_000_000, 0))
		rec.Token, rec.Current, rec.Previous = "token", "current", "previous"
		p := &pass{client: tc.client, namespaceLabels: map[string]string{"kubernetes.io/metadata.name": "ns"}}
		if got := p.desired(rec).Digest(); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}

	sp := &v1alpha1.ScopePolicy{ObjectMeta: meta}
	sp.Spec.Resource = "https://a.example"
	sp.Spec.Scopes = []v1alpha1.ScopeDeclaration{{Name: "b", Description: "B", MaxAccessTokenLifetime: &metav1.Duration{Duration: time.Minute}}, {Name: "a"}}
	sp.Spec.Allow = []v1alpha1.AllowRule{
		{Namespaces: v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSame}, Scopes: []string{"a"}, GrantTypes: least.Spec.GrantTypes},
		{Namespaces: v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromAll}, Scopes: []string{"b"}, Clients: &metav1.LabelSelector{MatchLabels: meta.Labels}},
	}
	if got, want := rules.Policy(sp).Digest(), "420c37a9b6fda4de4c4edcf442f3fbc5cc519d636a8cf1467558c1ce124c9dd3"; got != want {
		t.Errorf("ScopePolicy: %s, want %s", got, want)
	}
}
