package controllers_test

import (
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers"
)

// With the rights of config/install.yaml and not one more, from manifests to a token.
func TestManifestsToToken(t *testing.T) {
	before := kubernetesLog.String() // of other tests, some of which take namespaces and rights away
	s := start(t)
	as, sp, oac := s.authorizationServer(), s.policy(), s.oauthClient()
	s.create(t, sp)
	s.create(t, oac)
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonServing)
	s.await(t, sp, v1alpha1.ConditionReady, v1alpha1.ReasonInForce)
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	s.await(t, oac, v1alpha1.ConditionScopesGranted, v1alpha1.ReasonAllGranted)
	s.awaitToken(t, "200 read")
	if said := s.log.String() + strings.TrimPrefix(kubernetesLog.String(), before); strings.Contains(said, "forbidden") {
		t.Errorf("something was forbidden: %s", said)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]controllers.Options{
		"nothing":      {},
		"no namespace": {ServiceAccount: "a"},
	} {
		if err := controllers.Run(t.Context(), o); err == nil {
			t.Errorf("%s: the operator runs", name)
		}
	}
}
