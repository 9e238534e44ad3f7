package check

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"clientele.dev/clientele/hack/testenv"
)

// A binding that is missing is found, and put back by what installs everything.
func TestARightThatTheOperatorLacks(t *testing.T) {
	w := newWorld(t)
	w.lease(t, "op", time.Now())
	binding := &rbacv1.ClusterRoleBinding{}
	binding.Name = "clientele-operator"
	w.without(t, binding)
	o := w.check(t, w.caller)
	o.fails(t, exitFailed, checkRights, checkServers)
	o.has(t, checkRights, fail, "rights of ServiceAccount clientele-system/clientele-operator - it may not ", "get, list, watch oauthclients.oauth.clientele.dev everywhere",
		"a role or a binding of this release is missing, or older; do: kubectl apply --server-side -k config")
	for _, f := range o.findings {
		if f.Check == checkRights && strings.Contains(f.Why, "leases") {
			t.Errorf("it has the rights of its Role in its own namespace: %s", f)
		}
	}
	change(t, w, &appsv1.Deployment{ObjectMeta: in(system, "clientele-operator")}, func(d *appsv1.Deployment) {
		d.Annotations = map[string]string{"meta.helm.sh/release-name": "auth", "meta.helm.sh/release-namespace": system}
	})
	w.check(t, w.caller).has(t, checkRights, fail, "do: helm upgrade auth charts/clientele -n clientele-system --reset-then-reuse-values")

	// As Argo CD applies the chart, maybe for some namespaces only: config is for all.
	const show = "do: kubectl get deployments -A -l app.kubernetes.io/name=clientele --show-labels"
	change(t, w, &appsv1.Deployment{ObjectMeta: in(system, "clientele-operator")}, func(d *appsv1.Deployment) {
		d.Annotations, d.Labels = nil, map[string]string{"app.kubernetes.io/managed-by": "Helm"}
	})
	w.check(t, w.caller).has(t, checkRights, fail, show)
	// Nor is it known of an operator that is not found.
	w.check(t, w.caller, "--namespace", "ops").has(t, checkRights, fail, show)
}

// without takes a ClusterRoleBinding away for a test.
func (w *world) without(t *testing.T, b *rbacv1.ClusterRoleBinding) {
	t.Helper()
	change(t, w, b, func(*rbacv1.ClusterRoleBinding) {})
	subjects := b.Subjects
	change(t, w, b, func(b *rbacv1.ClusterRoleBinding) { b.Subjects = nil })
	may := func() bool {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User:               "system:serviceaccount:clientele-system:clientele-operator",
			ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "list", Group: "oauth.clientele.dev", Resource: "oauthclients"},
		}}
		must(t, w.admin.Create(t.Context(), review))
		return review.Status.Allowed
	}
	testenv.Eventually(t, "the operator's rights are gone", func() bool { return !may() })
	t.Cleanup(func() {
		change(t, w, b, func(b *rbacv1.ClusterRoleBinding) { b.Subjects = subjects })
	})
}

// An operator that watches some namespaces needs its rights there, and only there.
func TestRightsInSomeNamespaces(t *testing.T) {
	w := newWorld(t)
	w.lease(t, "op", time.Now())
	change(t, w, &appsv1.Deployment{ObjectMeta: in(system, "clientele-operator")}, func(d *appsv1.Deployment) {
		d.Spec.Template.Spec.Containers[0].Args = []string{"manager", "--watch-namespaces=clientele-system,shop"}
	})
	binding := &rbacv1.ClusterRoleBinding{}
	binding.Name = "clientele-operator"
	w.without(t, binding)
	w.create(t, &rbacv1.RoleBinding{
		ObjectMeta: in(system, "test-operator"), RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: "clientele-operator"},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: system, Name: "clientele-operator"}},
	})
	testenv.Allowed(t, "system:serviceaccount:clientele-system:clientele-operator", authorizationv1.ResourceAttributes{Verb: "list", Resource: "secrets", Namespace: system})
	o := w.check(t, w.caller)
	o.has(t, checkRights, fail, "secrets in shop")
	for _, f := range o.findings {
		if f.Check == checkRights && (strings.Contains(f.Why, "in "+system) || strings.Contains(f.Why, "secrets everywhere") || strings.Contains(f.Why, "authorizationservers.oauth.clientele.dev in shop")) {
			t.Errorf("more is asked for than the operator uses: %s", f)
		}
	}
}
