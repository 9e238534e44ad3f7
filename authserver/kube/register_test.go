package kube_test

import (
	"os"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/hack/testenv"
)

// The sample's CI job registers with a token of its ServiceAccount; nobody else
// does, and is told why.
func TestA10AuthenticatedRegistrationTakesTheSamplesRights(t *testing.T) {
	driver, server := realServer(t, func(s *v1alpha1.AuthorizationServer) {
		s.Spec.Registration.Mode = v1alpha1.RegistrationAuthenticated
		s.Spec.Registration.PrivateUseSchemes = []string{"preview"}
	})
	ns := testenv.Namespace(t)
	testenv.ServiceAccount(t, ns, "ci")
	testenv.ServiceAccount(t, ns, "stranger")
	text, err := os.ReadFile("../../config/samples/51-rolebinding-ci.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var binding rbacv1.RoleBinding
	if err := yaml.UnmarshalStrict(text, &binding); err != nil {
		t.Fatal(err)
	}
	binding.Subjects[0].Namespace = ns
	create(t, testenv.Client(t), &binding)

	audience := v1alpha1.RegistrarAudience(string(server.UID))
	register := func(token string) (status int, code, text string) {
		a := driver.SendText(t, "POST", "/oauth/register", token,
			`{"client_name": "Preview 1234", "redirect_uris": ["preview://callback"], "token_endpoint_auth_method": "client_secret_basic"}`)
		if a.Status == 201 && !credential.ValidFormat(a.Member("client_secret"), credential.PrefixClientSecret) {
			t.Errorf("registered without a secret: %s", a.Body)
		}
		return a.Status, a.Error(), a.Member("error_description")
	}
	testenv.Eventually(t, "the CI job registers", func() bool {
		status, _, _ := register(testenv.ServiceAccountToken(t, ns, "ci", audience))
		return status == 201
	})
	for rule, c := range map[string]struct {
		token  string
		status int
		says   string
	}{
		"no token":                        {"", 401, "a Bearer token is required"},
		"no right":                        {testenv.ServiceAccountToken(t, ns, "stranger", audience), 403, "takes RBAC verb register on the AuthorizationServer"},
		"F32: the API server's audience":  {testenv.ServiceAccountToken(t, ns, "ci"), 401, "the token is not valid here"},
		"F32: another server's audience":  {testenv.ServiceAccountToken(t, ns, "ci", v1alpha1.RegistrarAudience("another")), 401, "the token is not valid here"},
		"a client's secret, not a person": {credential.NewClientSecret().Reveal(), 401, "the token is not valid here"},
	} {
		if status, code, text := register(c.token); status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s %q, want %d and %q", rule, status, code, text, c.status, c.says)
		}
	}
	// Others' clients stay out of reach.
	if a := driver.SendText(t, "GET", "/registrar/v1/self-registered", testenv.ServiceAccountToken(t, ns, "ci", audience), ""); a.Status != 403 {
		t.Errorf("the CI job lists clients: %d %s", a.Status, a.Body)
	}
}
