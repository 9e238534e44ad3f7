package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/e2e/internal/cluster"
)

// previousChart is that of the release before this one, which hack/e2e/build-previous
// makes; its image is loaded by make.
const (
	previousChart = "../../.cache/e2e/previous/charts/clientele"
	previousImage = "clientele.dev/clientele:0.0.0"
)

// From the release before this one to this one by helm upgrade, CRDs included, and back
// by helm rollback: no token request fails, and clients that are applied meanwhile get
// registered.
func TestUpgradeAndRollbackFailNoRequest(t *testing.T) {
	a := sharedServer(t)
	if _, err := os.Stat(previousChart); err != nil {
		t.Fatalf("the release before this one is not built (hack/e2e/build-previous): %v", err)
	}
	the.Namespace(t, "upgrading")
	present := image(t)

	// The installation becomes one of the release before.
	helm(t, "upgrade", previousChart)
	servedBy(t, previousImage, "helm upgrade to the release before this one")
	before := revision(t)
	defer func() {
		if t.Failed() {
			reinstall("upgrade")
		}
	}()

	for _, step := range []struct {
		what, image string
		do          func()
	}{
		{"helm upgrade from the release before", present, func() { helm(t, "upgrade", chart) }},
		{"helm rollback to the release before", previousImage, func() { helm(t, "rollback", before) }},
	} {
		replaced := pods(t, shared)
		r := a.load(t, perSecond)
		warm(t, r)
		applied := applyMeanwhile(t, a.server)
		step.do()
		servedBy(t, step.image, step.what)
		for _, pod := range replaced { // the last of them still serves, and then drains
			cluster.AwaitGone(t, the, &pod, time.Minute, "its successor serves")
		}
		names := applied()
		for _, name := range names {
			cluster.Ready(t, the, oauthClient("upgrading", name), time.Minute, "it was applied during "+step.what)
		}
		result := r.Stop()
		none(t, result, step.what)
		figure(t, fmt.Sprintf("token requests failed in %s, of %d at %d/s; %d clients applied meanwhile", step.what, result.Sent, perSecond, len(names)),
			fmt.Sprint(len(result.Failures)), "0")
		if step.image == present {
			readApp(t, a.namespace, a.name, a.server).sameAs(t, a, step.what)
		}
	}
	helm(t, "upgrade", chart)
	servedBy(t, present, "helm upgrade once more")
	readApp(t, a.namespace, a.name, a.server).sameAs(t, a, "upgrade, rollback, upgrade")
}

// helm upgrade to a chart, or rollback to a revision.
func helm(t testing.TB, command, to string) {
	t.Helper()
	args := []string{command, release, to, "-n", systemNamespace, "--wait", "--timeout", "3m"}
	the.Helm(t, args...)
}

func image(t testing.TB) string {
	t.Helper()
	return the.Kubectl(t, "get", "deployment", "clientele-operator", "-n", systemNamespace, "-o", "jsonpath={.spec.template.spec.containers[0].image}")
}

// revision of the release that is deployed.
func revision(t testing.TB) string {
	t.Helper()
	var n int
	out := the.Helm(t, "history", release, "-n", systemNamespace, "--max", "1")
	for line := range strings.Lines(out) {
		if _, err := fmt.Sscan(line, &n); err == nil {
			return fmt.Sprint(n)
		}
	}
	t.Fatalf("helm history tells no revision:\n%s", out)
	return ""
}

// servedBy waits until all Pods of the shared server and of the default one run an image.
func servedBy(t testing.TB, image, why string) {
	t.Helper()
	for _, name := range []string{shared, "default"} {
		cluster.Await(t, the, server(name), 2*time.Minute, why, func(as *v1alpha1.AuthorizationServer) string {
			if m := as.Status.Managed; m == nil || m.Image != image {
				return fmt.Sprintf("status.managed is %+v, want image %s", m, image)
			}
			return ""
		})
		cluster.Ready(t, the, server(name), 2*time.Minute, why)
	}
	cluster.Await(t, the, deployment(shared), time.Minute, why, allServe(sharedReplicas))
	for _, p := range pods(t, shared) {
		if got := p.Spec.Containers[0].Image; got != image {
			t.Errorf("%s: Pod %s runs %s, want %s", why, p.Name, got, image)
		}
	}
}

// applyMeanwhile applies a client every half second, also while CRDs change, until the
// returned function is called, which names them.
func applyMeanwhile(t testing.TB, server string) func() []string {
	t.Helper()
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(end)
	var done sync.WaitGroup
	var names []string
	var failed error
	done.Go(func() {
		every := time.NewTicker(500 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
			}
			name := fmt.Sprintf("app-%d", time.Now().UnixNano())
			c := oauthClient("upgrading", name)
			c.Spec.ServerRef = &v1alpha1.ServerReference{Name: server, Namespace: systemNamespace}
			if err := the.Create(context.WithoutCancel(ctx), c); err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			names = append(names, name)
		}
	})
	return func() []string {
		end()
		done.Wait()
		if failed != nil {
			t.Errorf("OAuthClients could not be applied: %v", failed)
		}
		return names
	}
}
