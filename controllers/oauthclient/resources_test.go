package oauthclient

import (
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestS2ReservedResourcesAreRefused: what no ScopePolicy may declare no client may list,
// and the condition says so. A client that lists one is not registered, and what it lists
// instead is.
func TestS2ReservedResourcesAreRefused(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	for name, resource := range map[string]string{
		"issuer": w.server.Issuer, "below": w.server.Issuer + "/userinfo", "own": "https://api.cluster.example",
	} {
		oac := w.oauthClient(name, webApp, func(o *v1alpha1.OAuthClient) {
			o.Spec.Scopes, o.Spec.Resources = []string{"openid"}, []string{"https://orders.example", resource}
		})
		op.settle(keyOf(oac))
		c := w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonResourceReserved)
		if !strings.HasPrefix(c.Message, "spec.resources[1]: "+resource+" is reserved") {
			t.Errorf("%s: %q", name, c.Message)
		}
		w.wantClients(0)
		w.delete(oac)
		op.gone(keyOf(oac))
	}
}

// TestS2StatusSaysWhereIdentityScopesCount, as the server grants them.
func TestS2StatusSaysWhereIdentityScopesCount(t *testing.T) {
	w, _, oac := registered(t, webApp, func(o *v1alpha1.OAuthClient) {
		o.Spec.Scopes, o.Spec.Resources = []string{"openid"}, []string{"https://payroll.example"}
	})
	w.wantAccepted(oac)
	got := w.get(keyOf(oac)).Status.Scopes
	if len(got) != 1 || !got[0].Granted || !slices.Equal(got[0].Resources, []string{w.server.Issuer}) {
		t.Errorf("status %+v", got)
	}
}
