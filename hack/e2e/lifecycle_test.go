package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"clientele.dev/clientele/hack/e2e/internal/cluster"
)

// Uninstalling leaves servers, clients and their Secrets, and tokens go on. Installing
// again finds them all, with the same ids and secrets.
func TestUninstallAndInstallAgain(t *testing.T) {
	installation(t)
	the.NeedNode(t)
	the.Namespace(t, "loyal")
	before := newApp(t, "loyal", "orders", "default")
	uids := podUIDs(t, "default")

	the.Helm(t, "uninstall", release, "-n", systemNamespace, "--wait")
	// Whatever else fails, the other scenarios need an operator.
	defer func() {
		if t.Failed() {
			reinstall("install", "--create-namespace")
		}
	}()
	before.mustWork(t, "the chart is uninstalled")
	readApp(t, "loyal", "orders", "default").sameAs(t, before, "the chart is uninstalled")
	if now := podUIDs(t, "default"); !slices.Equal(now, uids) {
		t.Errorf("the server's Pods are %v after the uninstall, and were %v", now, uids)
	}

	begin := time.Now()
	helmInstall(t)
	cluster.Ready(t, the, server("default"), 2*time.Second, "helm install --wait has returned, a second time")
	cluster.Ready(t, the, oauthClient("loyal", "orders"), 30*time.Second, "the chart is installed again")
	figure(t, "helm install again → AuthorizationServer and clients Ready", seconds(time.Since(begin)), "-")
	after := readApp(t, "loyal", "orders", "default")
	after.sameAs(t, before, "the chart is installed again")
	after.mustWork(t, "the chart is installed again")
	newApp(t, "loyal", "more", "default").mustWork(t, "a client that was applied after the second install")
}

func podUIDs(t testing.TB, server string) []types.UID {
	t.Helper()
	var uids []types.UID
	for _, p := range pods(t, server) {
		uids = append(uids, p.UID)
	}
	slices.Sort(uids)
	return uids
}

// A deleted AuthorizationServer that is applied again has the same clients, with the same
// ids and secrets, and its tokens verify with the same keys.
func TestDeletedServerAppliedAgain(t *testing.T) {
	t.Parallel()
	installation(t)
	the.NeedNode(t)
	const name = "phoenix"
	t.Cleanup(func() { removeServer(t, name) })
	manifest := serverManifest(name, "{storage: {type: Embedded}}")
	the.Apply(t, manifest)
	cluster.Ready(t, the, server(name), time.Minute, "a server was applied")
	the.Namespace(t, "ashes")
	before := newApp(t, "ashes", "orders", name)
	c := before.client(t)
	token, err := before.token(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}

	the.Kubectl(t, "delete", "authorizationserver", name, "-n", systemNamespace)
	cluster.AwaitGone(t, the, statefulSet(name), time.Minute, "the AuthorizationServer was deleted")
	the.Apply(t, manifest)
	cluster.Ready(t, the, server(name), time.Minute, "the AuthorizationServer was applied again")
	cluster.Ready(t, the, oauthClient("ashes", "orders"), time.Minute, "the AuthorizationServer was applied again")
	after := readApp(t, "ashes", "orders", name)
	after.sameAs(t, before, "the AuthorizationServer was applied again")
	// Its store began empty: Ready may be seen a moment before the last is registered.
	cluster.Eventually(t, 10*time.Second, "the AuthorizationServer was applied again", func(ctx context.Context) error {
		_, err := after.token(ctx, after.client(t))
		return err
	})
	after.mustWork(t, "the AuthorizationServer was applied again")
	if err := after.verified(t.Context(), after.client(t), token); err != nil {
		t.Errorf("a token of before the deletion: %v", err)
	}
}

// A Managed server that becomes Unmanaged runs on as it is, without the operator's hand
// on it; when it is Managed again the same objects are adopted.
func TestManagedToUnmanagedAndBack(t *testing.T) {
	t.Parallel()
	installation(t)
	the.NeedNode(t)
	const name = "handed"
	t.Cleanup(func() {
		removeServer(t, name, "statefulset/"+serviceName(name), "service/"+serviceName(name), "service/"+serviceName(name)+"-registrar")
	})
	the.Apply(t, serverManifest(name, "{storage: {type: Embedded}}"))
	cluster.Ready(t, the, server(name), time.Minute, "a Managed server was applied")
	the.Namespace(t, "handover")
	before := newApp(t, "handover", "orders", name)
	uids := podUIDs(t, name)
	same := func(why string) {
		t.Helper()
		cluster.Ready(t, the, server(name), time.Minute, why)
		if now := podUIDs(t, name); !slices.Equal(now, uids) {
			t.Errorf("%s: the Pods are %v, and were %v", why, now, uids)
		}
		cluster.Ready(t, the, oauthClient("handover", "orders"), time.Minute, why)
		after := readApp(t, "handover", "orders", name)
		after.sameAs(t, before, why)
		before.mustWork(t, why)
	}

	patch(t, name, fmt.Sprintf(`{"spec":{"type":"Unmanaged","managed":null,"unmanaged":{
		"registrarURL":"https://%[1]s-registrar.%[2]s.svc:8444","caBundleRef":{"kind":"ConfigMap","name":"%[1]s-ca"}}}}`, serviceName(name), systemNamespace))
	same("the server was made Unmanaged")
	s := statefulSet(name)
	cluster.Await(t, the, s, 30*time.Second, "the server was made Unmanaged", withoutOwner)
	// Nothing is put back that its new owner changes.
	the.Kubectl(t, "annotate", "statefulset", s.Name, "-n", systemNamespace, "e2e/owner=people")

	patch(t, name, `{"spec":{"type":"Managed","unmanaged":null,"managed":{}}}`)
	same("the server was made Managed again")
	cluster.Await(t, the, s, 30*time.Second, "the server was made Managed again", withOwner)
}

func withoutOwner(s *appsv1.StatefulSet) string {
	if len(s.OwnerReferences) > 0 {
		return fmt.Sprintf("it still has an owner: %v", s.OwnerReferences)
	}
	return ""
}

func withOwner(s *appsv1.StatefulSet) string {
	if metav1.GetControllerOf(s) == nil {
		return "it has no controller"
	}
	return ""
}
