package check

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// withoutServers are the checks that fail where there is no AuthorizationServer.
var withoutServers = []string{checkServers}

func TestOperatorsThatDoNotWork(t *testing.T) {
	unscheduled := corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/3 nodes are available"}}}
	for name, c := range map[string]struct {
		pods  map[string]corev1.PodStatus
		level level
		says  []string
	}{
		"no Pod":          {nil, fail, []string{"Deployment clientele-system/clientele-operator", "it has no Pod; do: kubectl -n clientele-system describe deployment clientele-operator"}},
		"no image":        {map[string]corev1.PodStatus{"a": waiting("ImagePullBackOff", "not found", nil, 0)}, fail, []string{"Pod clientele-system/a", "ImagePullBackOff: not found; do: kubectl -n clientele-system describe pod a"}},
		"it crashes":      {map[string]corev1.PodStatus{"a": waiting("CrashLoopBackOff", "back-off", &corev1.ContainerStateTerminated{ExitCode: 2, Message: "unknown flag"}, 3)}, fail, []string{"Pod clientele-system/a", "CrashLoopBackOff: back-off (it ended with 2: unknown flag); do: kubectl -n clientele-system logs a --previous"}},
		"no node":         {map[string]corev1.PodStatus{"a": unscheduled}, fail, []string{"Pod clientele-system/a", "no node takes it: 0/3 nodes are available; do: kubectl -n clientele-system describe pod a"}},
		"one of two":      {map[string]corev1.PodStatus{"a": ready, "b": unscheduled}, warn, []string{"Pod clientele-system/b", "no node takes it"}},
		"one that begins": {map[string]corev1.PodStatus{"a": waiting("ContainerCreating", "", nil, 0)}, fail, []string{"Pod clientele-system/a", "it is not ready"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.lease(t, "op", time.Now())
			w.remove(t, &corev1.Pod{ObjectMeta: in(system, "clientele-operator-1")})
			for pod, status := range c.pods {
				w.pod(t, pod, operatorLabels, status)
			}
			o := w.check(t, w.caller)
			failing := withoutServers
			if c.level == fail {
				failing = append([]string{checkOperator}, failing...)
			}
			o.fails(t, exitFailed, failing...)
			o.has(t, checkOperator, c.level, c.says...)
		})
	}
}

func TestOperatorThatIsScaledToNone(t *testing.T) {
	w := newWorld(t)
	w.lease(t, "op", time.Now())
	change(t, w, &appsv1.Deployment{ObjectMeta: in(system, "clientele-operator")}, func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(0)) })
	o := w.check(t, w.caller)
	o.has(t, checkOperator, fail, "it is scaled to 0", "do: kubectl -n clientele-system scale deployment clientele-operator --replicas=2")
}

func TestOperatorsOfTwoReleases(t *testing.T) {
	w := newWorld(t)
	w.lease(t, "op", time.Now())
	p := w.pod(t, "another", operatorLabels, ready)
	p.Spec.Containers[0].Image = "clientele.dev/clientele:0.2.0" // of a Pod, the image may be changed
	must(t, w.admin.Update(t.Context(), p))
	o := w.check(t, w.caller)
	o.fails(t, exitFailed, withoutServers...)
	o.has(t, checkOperator, warn, "a roll-out is under way, of the images clientele.dev/clientele:0.1.0, clientele.dev/clientele:0.2.0", "do: kubectl -n clientele-system rollout status deployment clientele-operator")
}

// An operator that runs elsewhere, as `make dev` runs it, is found by its Lease.
func TestOperatorElsewhere(t *testing.T) {
	w := newWorld(t)
	w.lease(t, "laptop_1", time.Now())
	w.remove(t, &appsv1.Deployment{ObjectMeta: in(system, "clientele-operator")})
	o := w.check(t, w.caller)
	o.fails(t, exitFailed, withoutServers...)
	o.has(t, checkOperator, warn, "Deployment clientele-system/clientele-operator", "it does not exist", "do: kubectl get deployments -A -l app.kubernetes.io/name=clientele")
	o.has(t, checkOperator, ok, "Lease clientele-system/clientele-operator", "laptop_1 leads")
}

func TestNoOperatorLeads(t *testing.T) {
	w := newWorld(t)
	const logs = "do: kubectl -n clientele-system logs deployment/clientele-operator --tail=50"
	o := w.check(t, w.caller)
	o.fails(t, exitFailed, checkOperator, checkServers)
	o.has(t, checkOperator, fail, "Lease clientele-system/clientele-operator", "it does not exist", logs)
	w.lease(t, "op_1", time.Now().Add(-31*time.Second))
	w.check(t, w.caller).has(t, checkOperator, fail, "no operator leads: op_1 renewed it last 3", logs)
	w.lease(t, "", time.Now())
	w.check(t, w.caller).has(t, checkOperator, fail, "no operator leads: the last one gave the Lease back", logs)
	w.lease(t, "op_1", time.Now().Add(-15*time.Second))
	w.check(t, w.caller).has(t, checkOperator, ok, "op_1 leads")

	// By the API server's clock, not by this machine's.
	behind := func() time.Time { return time.Now().Add(-time.Hour) }
	w.lease(t, "op_1", time.Now().Add(-31*time.Second))
	o = w.checkAt(t, behind, w.caller)
	o.has(t, checkOperator, fail, "no operator leads: op_1 renewed it last 3")
	o.has(t, checkClocks, warn, "clock of this machine - it is 1h0m0s behind the API server's")
}

func TestAnotherNamespaceAndName(t *testing.T) {
	w := newWorld(t)
	o := w.check(t, w.caller, "--namespace", "ops", "--operator", "oauth-operator", "--service-account", "oauth")
	o.has(t, checkOperator, warn, "Deployment ops/oauth-operator")
	o.has(t, checkOperator, fail, "Lease ops/clientele-operator", "is --namespace the operator's?")
	o.has(t, checkRights, fail, "rights of ServiceAccount ops/oauth")
}
