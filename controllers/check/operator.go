package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// leaseName is the Lease that the leading operator renews.
	leaseName = "clientele-operator"
	// leaseAge is how old a Lease in use gets at most: it is renewed every two seconds,
	// and another operator takes it after 15.
	leaseAge = 30 * time.Second
)

// checkOperator looks at the operator's Deployment, Pods and Lease.
func (k *checker) checkOperator(ctx context.Context) {
	k.checkDeployment(ctx)
	k.checkLease(ctx)
}

func (k *checker) checkDeployment(ctx context.Context) {
	what := fmt.Sprintf("Deployment %s/%s", k.namespace, k.operator)
	d := &appsv1.Deployment{}
	err := k.c.Get(ctx, client.ObjectKey{Namespace: k.namespace, Name: k.operator}, d)
	switch {
	case apierrors.IsNotFound(err):
		k.warn(checkOperator, what, "it does not exist: the operator runs elsewhere, is not installed, or has another name (--namespace, --operator)",
			"kubectl get deployments -A -l app.kubernetes.io/name=clientele")
		return
	case err != nil:
		k.unread(checkOperator, what, err)
		return
	}
	k.deployment = d
	selector, err := metav1.LabelSelectorAsSelector(d.Spec.Selector)
	if err != nil {
		k.unread(checkOperator, what, err)
		return
	}
	pods := &corev1.PodList{}
	if err := k.c.List(ctx, pods, client.InNamespace(k.namespace), client.MatchingLabelsSelector{Selector: selector}); err != nil {
		k.unread(checkOperator, "Pods of "+what, err)
		return
	}
	k.operatorPods = pods.Items
	if d.Spec.Replicas != nil && *d.Spec.Replicas == 0 {
		k.fail(checkOperator, what, "it is scaled to 0: no change of an object takes effect", fmt.Sprintf("kubectl -n %s scale deployment %s --replicas=2", k.namespace, k.operator))
		return
	}
	k.judgePods(what, pods.Items)
}

// judgePods says what is wrong with the operator's Pods, or which image they run.
func (k *checker) judgePods(what string, pods []corev1.Pod) {
	ready, images := 0, []string{}
	var problems []finding
	for i := range pods {
		p := &pods[i]
		if p.DeletionTimestamp != nil {
			continue
		}
		if podReady(p) {
			ready++
			images = append(images, p.Spec.Containers[0].Image)
			continue
		}
		problems = append(problems, finding{Check: checkOperator, What: fmt.Sprintf("Pod %s/%s", p.Namespace, p.Name), Why: podProblem(p), Do: podCommand(p)})
	}
	slices.Sort(images)
	images = slices.Compact(images)
	switch {
	case ready == 0 && len(problems) == 0:
		k.fail(checkOperator, what, "it has no Pod", fmt.Sprintf("kubectl -n %s describe deployment %s", k.namespace, k.operator))
	case len(images) > 1:
		k.warn(checkOperator, what, "a roll-out is under way, of the images "+strings.Join(images, ", "), fmt.Sprintf("kubectl -n %s rollout status deployment %s", k.namespace, k.operator))
	case ready > 0:
		k.ok(checkOperator, what, fmt.Sprintf("%d of %d Pods ready, image %s", ready, ready+len(problems), images[0]))
	}
	for _, p := range problems {
		p.Level = warn // another one works
		if ready == 0 {
			p.Level = fail
		}
		k.Findings = append(k.Findings, p)
	}
}

func podReady(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
}

// podProblem says why a Pod is not ready, as closely as its status does.
func podProblem(p *corev1.Pod) string {
	for _, s := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		if w := s.State.Waiting; w != nil && w.Reason != "ContainerCreating" && w.Reason != "PodInitializing" {
			why := fmt.Sprintf("container %s is waiting: %s: %s", s.Name, w.Reason, w.Message)
			if last := s.LastTerminationState.Terminated; last != nil {
				why += fmt.Sprintf(" (it ended with %d: %s)", last.ExitCode, last.Message)
			}
			return why
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue {
			return fmt.Sprintf("no node takes it: %s", c.Message)
		}
	}
	return "it is not ready"
}

// podCommand shows more of a Pod that is not ready.
func podCommand(p *corev1.Pod) string {
	for _, s := range p.Status.ContainerStatuses {
		if s.RestartCount > 0 {
			return fmt.Sprintf("kubectl -n %s logs %s --previous", p.Namespace, p.Name)
		}
	}
	return fmt.Sprintf("kubectl -n %s describe pod %s", p.Namespace, p.Name)
}

// checkLease says whether an operator leads.
func (k *checker) checkLease(ctx context.Context) {
	what := fmt.Sprintf("Lease %s/%s", k.namespace, leaseName)
	logs := fmt.Sprintf("kubectl -n %s logs deployment/%s --tail=50", k.namespace, k.operator)
	lease := &coordinationv1.Lease{}
	err := k.c.Get(ctx, client.ObjectKey{Namespace: k.namespace, Name: leaseName}, lease)
	switch {
	case apierrors.IsNotFound(err):
		k.fail(checkOperator, what, "it does not exist: no operator has led yet; is --namespace the operator's?", logs)
		return
	case err != nil:
		k.unread(checkOperator, what, err)
		return
	}
	holder := ""
	if lease.Spec.HolderIdentity != nil {
		holder = *lease.Spec.HolderIdentity
	}
	switch {
	case holder == "" || lease.Spec.RenewTime == nil:
		k.fail(checkOperator, what, "no operator leads: the last one gave the Lease back", logs)
	case k.now().Sub(lease.Spec.RenewTime.Time) > leaseAge:
		k.fail(checkOperator, what, fmt.Sprintf("no operator leads: %s renewed it last %s ago", holder, k.now().Sub(lease.Spec.RenewTime.Time).Round(time.Second)), logs)
	default:
		k.ok(checkOperator, what, holder+" leads")
	}
}
