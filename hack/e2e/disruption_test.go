package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/e2e/internal/cluster"
	"clientele.dev/clientele/hack/e2e/internal/load"
)

const perSecond = 200

// A roll-out of three replicas fails no request, and the server stays Ready meanwhile.
func TestRollOutFailsNoRequest(t *testing.T) {
	a := sharedServer(t)
	replaced := pods(t, shared)
	r := a.load(t, perSecond)
	warm(t, r)
	rollOut(t, shared)
	notReady := false
	cluster.Await(t, the, server(shared), 2*time.Minute, "a roll-out of three replicas began", func(as *v1alpha1.AuthorizationServer) string {
		notReady = notReady || !meta.IsStatusConditionTrue(as.Status.Conditions, v1alpha1.ConditionReady)
		if m := as.Status.Managed; as.Status.ObservedGeneration != as.Generation || meta.IsStatusConditionTrue(as.Status.Conditions, v1alpha1.ConditionReconciling) {
			return fmt.Sprintf("it is being reconciled; status.managed is %+v", m)
		}
		return ""
	})
	// Reconciling ends when all Pods are new; waiting on it is enough for a pipeline.
	cluster.Await(t, the, deployment(shared), 2*time.Second, "the AuthorizationServer is no longer Reconciling", allServe(sharedReplicas))
	for _, pod := range replaced { // the last of them still serves, and then drains
		cluster.AwaitGone(t, the, &pod, time.Minute, "its successor serves")
	}
	if notReady {
		t.Error("the AuthorizationServer was not Ready during a roll-out in which Pods served all the time")
	}
	result := r.Stop()
	none(t, result, "a roll-out of three replicas under load")
	figure(t, fmt.Sprintf("token requests failed in a roll-out of 3 replicas, of %d at %d/s", result.Sent, perSecond), fmt.Sprint(len(result.Failures)), "0")
}

// rollOut replaces the Pods of a server, as any change to them does.
func rollOut(t testing.TB, name string) {
	t.Helper()
	the.Kubectl(t, "patch", "authorizationserver", name, "-n", systemNamespace, "--type=merge",
		"-p", fmt.Sprintf(`{"spec":{"managed":{"pod":{"annotations":{"e2e/rolled-out":"%d"}}}}}`, time.Now().UnixNano()))
}

// Of a node that is being drained one server Pod goes, and the second is refused until
// the first is replaced elsewhere; no request fails.
func TestEvictionFailsNoRequest(t *testing.T) {
	a := sharedServer(t)
	cluster.Await(t, the, deployment(shared), time.Minute, "before the eviction", allServe(sharedReplicas))
	r := a.load(t, perSecond)
	warm(t, r)
	uncordon := undo(func() {
		if _, err := the.Run(context.Background(), "", "kubectl", "uncordon", the.Node.Name); err != nil {
			fmt.Println("e2e: clean up:", err)
		}
	})
	defer uncordon()
	the.Kubectl(t, "cordon", the.Node.Name)
	all := pods(t, shared)
	if err := evict(t, all[0]); err != nil {
		t.Fatalf("the first eviction: %v", err)
	}
	if err := evict(t, all[1]); !apierrors.IsTooManyRequests(err) {
		t.Fatalf("the second eviction, while the first Pod has no successor: want 429 Too Many Requests of the PodDisruptionBudget, got %v", err)
	}
	cluster.AwaitGone(t, the, &all[0], time.Minute, "a server Pod was evicted")
	uncordon()
	cluster.Await(t, the, deployment(shared), time.Minute, "the node takes Pods again", allServe(sharedReplicas))
	result := r.Stop()
	none(t, result, "an eviction under load")
	figure(t, fmt.Sprintf("token requests failed in an eviction, of %d at %d/s", result.Sent, perSecond), fmt.Sprint(len(result.Failures)), "0")
}

func evict(t testing.TB, pod corev1.Pod) error {
	t.Helper()
	return the.Kubernetes.CoreV1().Pods(pod.Namespace).EvictV1(t.Context(), &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name},
	})
}

// pods of a server that serve.
func pods(t testing.TB, server string) []corev1.Pod {
	t.Helper()
	var list corev1.PodList
	err := the.List(t.Context(), &list, client.InNamespace(systemNamespace), client.MatchingLabels{v1alpha1.LabelName: v1alpha1.ServerApp, v1alpha1.LabelServer: server})
	if err != nil {
		t.Fatal(err)
	}
	var serving []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil && p.Status.Phase == corev1.PodRunning {
			serving = append(serving, p)
		}
	}
	if len(serving) == 0 {
		t.Fatalf("server %s has no running Pod", server)
	}
	return serving
}

// noticed is how long after a Pod's sudden end new connections may still be sent to
// it: until the kubelet has seen it, and kube-proxy has taken it out of the Service.
const noticed = 5 * time.Second

// starting is the kind of failure at a server that is not ready yet.
const starting = "HTTP 503 temporarily_unavailable"

// A server that is killed fails the requests in flight at it, and those that are sent
// to it until the node has noticed: they are refused, or get 503 of its successor in the
// same Pod that is starting. None gets a wrong answer, and none fails later.
func TestKilledServerFailsOnlyWhatItHeld(t *testing.T) {
	a := sharedServer(t)
	the.NeedLab(t)
	cluster.Await(t, the, deployment(shared), time.Minute, "before the kill", allServe(sharedReplicas))
	r := a.load(t, perSecond)
	warm(t, r)
	killed := r.Elapsed()
	kill(t, pods(t, shared)[0])
	cluster.Eventually(t, 30*time.Second, "a server was killed", func(context.Context) error {
		if r.Elapsed() < killed+2*noticed {
			return fmt.Errorf("the load goes on for %s", 2*noticed)
		}
		return nil
	})
	cluster.Await(t, the, deployment(shared), time.Minute, "a server was killed", allServe(sharedReplicas))
	result := r.Stop()
	t.Logf("a server was killed %.2f s after the load began: %s", killed.Seconds(), result)
	for _, f := range result.Failures {
		if f.Kind != load.Broken && f.Kind != load.Refused && f.Kind != starting {
			t.Errorf("a request failed with %s, want broken or refused connections and %s only: %s", f.Kind, starting, f.Detail)
		}
		if f.When < killed-time.Second || f.When > killed+noticed {
			t.Errorf("a request failed %.2f s after the kill: %s", (f.When - killed).Seconds(), f.Detail)
		}
	}
	kinds := result.Kinds()
	figure(t, fmt.Sprintf("token requests failed when 1 of 3 servers is killed, of %d at %d/s", result.Sent, perSecond),
		fmt.Sprintf("%d in flight; until the node noticed %d refused, %d with 503", kinds[load.Broken], kinds[load.Refused], kinds[starting]), "in flight only")
}

// kill the one process of a Pod's container, as the kernel does when memory runs out.
func kill(t testing.TB, pod corev1.Pod) {
	t.Helper()
	id := strings.TrimPrefix(pod.Status.ContainerStatuses[0].ContainerID, "containerd://")
	the.Must(t, "ctr", "tasks", "kill", "--signal=SIGKILL", id)
}

// An embedded server is away for a moment in a roll-out, and comes back with an empty
// store. Its clients get connection errors and 503, and never a refusal, which apps take
// as final (O20).
func TestO20EmbeddedRollOutNeverRefusesAClient(t *testing.T) {
	installation(t)
	the.NeedNode(t)
	the.Namespace(t, "patient")
	a := newApp(t, "patient", "orders", "default")
	r := a.load(t, 100)
	warm(t, r)
	rollOut(t, "default")
	cluster.Ready(t, the, server("default"), 2*time.Minute, "a roll-out of an embedded server began")
	back := r.Elapsed()
	cluster.Eventually(t, 10*time.Second, "the server is Ready again", func(context.Context) error {
		if r.Elapsed() < back+3*time.Second {
			return fmt.Errorf("the load goes on for 3 s")
		}
		return nil
	})
	result := r.Stop()
	t.Logf("a roll-out of an embedded server, Ready after %.2f s: %s", back.Seconds(), result)
	var first, last time.Duration
	for _, f := range result.Failures {
		if first == 0 {
			first = f.When
		}
		last = f.When
		if strings.HasPrefix(f.Kind, "HTTP ") && !strings.HasPrefix(f.Kind, "HTTP 503") || f.Kind == load.Other {
			t.Errorf("a request failed with %s, want connection errors and 503 only: %s", f.Kind, f.Detail)
		}
		// The operator looks for what is missing every second until all is registered.
		if f.When > back+time.Second {
			t.Errorf("a request failed %.2f s after the server was Ready again: %s %s", (f.When - back).Seconds(), f.Kind, f.Detail)
		}
	}
	if len(result.Failures) == 0 {
		t.Error("no request failed: was there a roll-out at all?")
	}
	figure(t, "embedded server away in a roll-out (never 401)", seconds(last-first), "2-5 s")
}
