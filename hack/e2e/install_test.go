package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/hack/e2e/internal/cluster"
)

const (
	systemNamespace = "clientele-system"
	release         = "clientele"
	chart           = "../../charts/clientele"
)

// begun is the installation that the scenarios share.
var begun struct {
	sync.Mutex
	tried, works bool
}

// installation makes sure that the product is installed as the README says, without
// values, and arranges for a dump of the cluster if the scenario fails.
func installation(t *testing.T) {
	t.Helper()
	the.DumpIfFailed(t)
	begun.Lock()
	defer begun.Unlock()
	if begun.tried {
		if !begun.works {
			t.Fatal("the installation failed in an earlier scenario")
		}
		return
	}
	begun.tried = true
	begin := time.Now()
	undo(removeAll)
	helmInstall(t)
	returned := time.Since(begin)
	// helm --wait has to have waited: nothing is left to wait for here.
	cluster.Ready(t, the, server("default"), 2*time.Second, "helm install --wait has returned")
	begun.works = true
	figure(t, "helm install --wait without values, until it returns with AuthorizationServer Ready", seconds(returned), "-")
	if !the.OnNode() {
		return
	}
	the.Namespace(t, "first")
	applied := time.Now()
	first := newApp(t, "first", "orders", "default")
	first.mustWork(t, "the first app")
	figure(t, "helm install → first token", seconds(time.Since(begin)), "< 45 s")
	figure(t, "apply of an OAuthClient → token, from the node", seconds(time.Since(applied)), "-")
}

func helmInstall(t testing.TB, args ...string) {
	t.Helper()
	the.Helm(t, append([]string{"install", release, chart, "-n", systemNamespace, "--create-namespace", "--wait", "--timeout", "3m"}, args...)...)
}

// reinstall the chart after a scenario that failed without it, for those that come.
func reinstall(command string, args ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	args = append([]string{command, release, chart, "-n", systemNamespace, "--wait", "--timeout", "3m"}, args...)
	if _, err := the.Run(ctx, "", "helm", args...); err != nil {
		fmt.Println("e2e: clean up:", err)
	}
}

// removeAll takes everything of ours away, servers and CRDs included.
func removeAll() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	for _, step := range [][]string{
		{"kubectl", "delete", "oauthclients,scopepolicies,authorizationservers,namespaceaccesses", "-A", "--all", "--ignore-not-found", "--timeout=60s"},
		{"helm", "uninstall", release, "-n", systemNamespace, "--ignore-not-found", "--wait"},
		{"kubectl", "delete", "namespace", systemNamespace, "--ignore-not-found"},
		{"kubectl", "delete", "clusterroles,clusterrolebindings,crds,validatingadmissionpolicies,validatingadmissionpolicybindings", "-l", "app.kubernetes.io/instance=" + release, "--ignore-not-found"},
	} {
		if _, err := the.Run(ctx, "", step[0], step[1:]...); err != nil {
			fmt.Println("e2e: clean up:", err)
		}
	}
}

// The product verifies itself: one container of a Pod gets a token with the credentials
// of its Secret, another verifies it, knowing only the issuer and the CA.
func TestHelmTest(t *testing.T) {
	installation(t)
	the.Helm(t, "test", release, "-n", systemNamespace, "--timeout", "2m")
}
