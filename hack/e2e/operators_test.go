package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/e2e/internal/cluster"
)

// A second operator, which serves some namespaces and may read Secrets in no other, and
// its server live beside the first: each object is served by one of them. A namespace
// that is added is served, and one that is deleted stops nothing else.
func TestSecondOperatorForSomeNamespaces(t *testing.T) {
	t.Parallel()
	installation(t)
	the.NeedNode(t)
	const namespace, name = "second-system", "second"
	the.Namespace(t, "team-a")
	the.Namespace(t, "team-b")
	install := func(command string, namespaces string) {
		t.Helper()
		the.Helm(t, command, "second", chart, "-n", namespace, "--create-namespace", "--wait", "--timeout", "3m",
			"--set", "fullnameOverride=second,crds.enabled=false,rbac.aggregate=false,rbac.scope=Namespaces,operator.replicas=1,operator.claimDefault=false,authorizationServer.name="+name,
			"--set", "rbac.namespaces={"+namespaces+"}")
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		for _, args := range [][]string{
			{"kubectl", "delete", "authorizationserver", name, "-n", namespace, "--ignore-not-found"},
			{"helm", "uninstall", "second", "-n", namespace, "--ignore-not-found", "--wait"},
			{"kubectl", "delete", "clusterrolebinding", "-l", "app.kubernetes.io/instance=second"},
			{"kubectl", "delete", "namespace", namespace, "--ignore-not-found"},
		} {
			if _, err := the.Run(ctx, "", args[0], args[1:]...); err != nil {
				t.Errorf("clean up: %v", err)
			}
		}
	})
	install("install", "team-a")
	second := &v1alpha1.AuthorizationServer{}
	second.Namespace, second.Name = namespace, name
	cluster.Ready(t, the, second, 2*time.Second, "the second helm install --wait has returned")

	theirs := func(namespace string) string { // an app of the second server
		return fmt.Sprintf(`
apiVersion: oauth.clientele.dev/v1alpha1
kind: OAuthClient
metadata: {name: theirs, namespace: %s}
spec: {serverRef: {name: %s, namespace: second-system}}
`, namespace, name)
	}
	the.Apply(t, theirs("team-a"))
	// Without serverRef an object is the first operator's: the second has claimDefault=false.
	the.Apply(t, `
apiVersion: oauth.clientele.dev/v1alpha1
kind: OAuthClient
metadata: {name: ours, namespace: team-a}
spec: {}
`)
	for _, n := range []string{"theirs", "ours"} {
		c := oauthClient("team-a", n)
		cluster.Ready(t, the, c, time.Minute, "there are two operators")
		want := systemNamespace
		if n == "theirs" {
			want = namespace
		}
		if got := c.Status.ServerRef; got == nil || got.Namespace != want {
			t.Errorf("OAuthClient %s is served by %v, want the server in %s", n, got, want)
		}
	}
	unchanged(t, 15*time.Second, oauthClient("team-a", "theirs"), oauthClient("team-a", "ours"), second, server("default"))

	install("upgrade", "team-a,team-b")
	the.Apply(t, theirs("team-b"))
	cluster.Ready(t, the, oauthClient("team-b", "theirs"), time.Minute, "its namespace was added to rbac.namespaces")

	if err := the.RemoveNamespaces("team-a"); err != nil {
		t.Fatal(err)
	}
	the.Kubectl(t, "patch", "oauthclient", "theirs", "-n", "team-b", "--type=merge", "-p", `{"spec":{"displayName":"Changed"}}`)
	cluster.Ready(t, the, oauthClient("team-b", "theirs"), time.Minute, "another of the operator's namespaces was deleted")
}

// settled is how long after a change the operator may still write counts into statuses.
const settled = 10 * time.Second

// unchanged: two operators that fight over an object write it again and again.
func unchanged(t testing.TB, during time.Duration, objects ...client.Object) {
	t.Helper()
	pass(t, settled, "counts are written a few seconds late")
	versions := map[client.Object]string{}
	for _, o := range objects {
		if err := the.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			t.Fatal(err)
		}
		versions[o] = o.GetResourceVersion()
	}
	pass(t, during, "objects are at rest")
	for _, o := range objects {
		if err := the.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			t.Fatal(err)
		}
		if o.GetResourceVersion() != versions[o] {
			t.Errorf("%T %s/%s was written while nothing changed; managers: %v", o, o.GetNamespace(), o.GetName(), o.GetManagedFields())
		}
	}
}

// pass lets time pass.
func pass(t testing.TB, d time.Duration, why string) {
	t.Helper()
	begin := time.Now()
	cluster.Eventually(t, 2*d+10*time.Second, why, func(context.Context) error {
		if time.Since(begin) < d {
			return fmt.Errorf("%s are not over", d)
		}
		return nil
	})
}
