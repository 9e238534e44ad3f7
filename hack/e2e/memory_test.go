package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/e2e/internal/cluster"
)

// summary is what the kubelet says of its Pods (stats/summary).
type summary struct {
	Pods []struct {
		PodRef     struct{ Namespace, Name string }
		Containers []struct {
			Memory struct{ WorkingSetBytes, RSSBytes uint64 }
		}
	}
}

// memory that the largest Pod in systemNamespace has whose name begins so, in bytes, as
// the kubelet counts it for limits and evictions (the working set).
func memory(t testing.TB, prefix string) uint64 {
	t.Helper()
	var s summary
	if err := json.Unmarshal([]byte(the.Kubectl(t, "get", "--raw", "/api/v1/nodes/"+the.Node.Name+"/proxy/stats/summary")), &s); err != nil {
		t.Fatal(err)
	}
	var largest uint64
	for _, p := range s.Pods {
		if p.PodRef.Namespace != systemNamespace || !strings.HasPrefix(p.PodRef.Name, prefix) {
			continue
		}
		for _, c := range p.Containers {
			largest = max(largest, c.Memory.WorkingSetBytes)
		}
	}
	if largest == 0 {
		t.Fatalf("the kubelet knows no Pod whose name begins with %s", prefix)
	}
	return largest
}

func figureMemory(t testing.TB, when, goal string) {
	t.Helper()
	for _, p := range []struct{ what, prefix string }{{"operator", "clientele-operator"}, {"server", serviceName("default")}} {
		figure(t, fmt.Sprintf("memory of the %s, %s, as the kubelet counts", p.what, when), fmt.Sprintf("%.0f MiB", float64(memory(t, p.prefix))/(1<<20)), goal)
	}
}

// Memory with a few clients.
func TestMemoryOfAFreshInstallation(t *testing.T) {
	installation(t)
	figureMemory(t, "with a few clients", "-")
}

// Two thousand clients fit into the memory that the chart and the operator request.
func TestLongTwoThousandClients(t *testing.T) {
	installation(t)
	const n, namespace = 2000, "many"
	const goal = 96 << 20
	the.Namespace(t, namespace)
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `
apiVersion: oauth.clientele.dev/v1alpha1
kind: OAuthClient
metadata: {name: app-%d, namespace: %s}
spec: {}
---`, i, namespace)
	}
	begin := time.Now()
	if _, err := the.Run(t.Context(), b.String(), "kubectl", "create", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	as := server("default")
	cluster.Await(t, the, as, 5*time.Minute, "2,000 clients were applied", func(as *v1alpha1.AuthorizationServer) string {
		if as.Status.Clients < n {
			return fmt.Sprintf("%d clients are registered", as.Status.Clients)
		}
		return ""
	})
	figure(t, "2,000 OAuthClients applied by kubectl → registered", seconds(time.Since(begin)), "-")
	figureMemory(t, "with 2,000 clients", "<= 96 MiB")
	for _, prefix := range []string{"clientele-operator", serviceName("default")} {
		if is := memory(t, prefix); is > goal {
			t.Errorf("%s needs %d MiB with 2,000 clients, more than 96 MiB", prefix, is>>20)
		}
	}

	the.Helm(t, "uninstall", release, "-n", systemNamespace, "--wait")
	begin = time.Now()
	helmInstall(t)
	cluster.Ready(t, the, server("default"), 2*time.Second, "helm install --wait has returned, with 2,000 clients")
	cluster.Eventually(t, 3*time.Minute, "the chart is installed again, with 2,000 clients", func(ctx context.Context) error {
		var all v1alpha1.OAuthClientList
		if err := the.List(ctx, &all, client.InNamespace(namespace)); err != nil {
			return err
		}
		for _, c := range all.Items {
			if !meta.IsStatusConditionTrue(c.Status.Conditions, v1alpha1.ConditionReady) {
				return fmt.Errorf("OAuthClient %s is not Ready", c.Name)
			}
		}
		return nil
	})
	figure(t, "helm install again with 2,000 clients → all Ready", seconds(time.Since(begin)), "-")
}
