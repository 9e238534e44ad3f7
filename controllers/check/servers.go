package check

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
)

// checkServers reads the AuthorizationServers and what the operator says of them.
func (k *checker) checkServers(ctx context.Context) {
	found, err := k.authorizationServers(ctx)
	switch {
	case apierrors.IsNotFound(err):
		k.fail(checkServers, "AuthorizationServer "+k.server.String(), "it does not exist", "kubectl get authorizationservers -A")
		return
	case err != nil:
		k.unread(checkServers, "AuthorizationServers", err)
		return
	case len(found) == 0:
		k.fail(checkServers, "AuthorizationServers", "there is none: no client can be registered; see `kubectl explain authorizationserver.spec`, or let the chart make one (authorizationServer.create)",
			fmt.Sprintf("kubectl -n %s get jobs,events", k.namespace))
		return
	}
	for i := range found {
		s := &server{AuthorizationServer: &found[i]}
		if k.judgeServer(s) {
			k.servers = append(k.servers, s)
			if s.managed() {
				k.checkServerRights(ctx, s)
			}
		}
	}
}

// authorizationServers are all, those in the operator's namespace if the caller may not
// list others, or the one that a flag names.
func (k *checker) authorizationServers(ctx context.Context) ([]v1alpha1.AuthorizationServer, error) {
	if k.server.Name != "" {
		as := v1alpha1.AuthorizationServer{}
		err := k.c.Get(ctx, k.server, &as)
		return []v1alpha1.AuthorizationServer{as}, err
	}
	list := &v1alpha1.AuthorizationServerList{}
	err := k.c.List(ctx, list)
	if apierrors.IsForbidden(err) {
		err = k.c.List(ctx, list, client.InNamespace(k.namespace))
	}
	return list.Items, err
}

// judgeServer turns conditions into findings. It returns false for a server that
// another operator, or none, runs.
func (k *checker) judgeServer(s *server) bool {
	what := "AuthorizationServer " + s.String()
	describe := fmt.Sprintf("kubectl -n %s describe authorizationserver %s", s.Namespace, s.Name)
	ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		k.fail(checkServers, what, "no operator has looked at it yet", fmt.Sprintf("kubectl -n %s logs deployment/%s --tail=50", k.namespace, k.operator))
		return true
	case ready.Reason == v1alpha1.ReasonNamespaceNotWatched:
		k.warn(checkServers, what, ready.Message, describe)
		return false
	case ready.Status != metav1.ConditionTrue:
		k.fail(checkServers, what, fmt.Sprintf("it is not Ready: %s: %s", ready.Reason, ready.Message), describe)
	case s.Status.ObservedGeneration < s.Generation:
		k.warn(checkServers, what, "the operator has not looked at its last change yet", describe)
	default:
		k.ok(checkServers, what, readyText(s))
	}
	for _, c := range s.Status.Conditions {
		if text := remark(c); text != "" && c.Reason != ready.Reason {
			k.warn(checkServers, what, text, describe)
		}
	}
	return true
}

func readyText(s *server) string {
	text := "Ready, issuer " + s.Spec.Issuer
	if m := s.Status.Managed; m != nil {
		text += fmt.Sprintf(", version %s, %d of %d replicas ready", m.Version, m.ReadyReplicas, m.Replicas)
	}
	return text
}

// remark is what a condition says beside Ready that somebody should look at; empty:
// nothing.
func remark(c metav1.Condition) string {
	good := metav1.ConditionTrue
	switch c.Type {
	case v1alpha1.ConditionReady, v1alpha1.ConditionStalled:
		return "" // said already
	case v1alpha1.ConditionReconciling, v1alpha1.ConditionDeregistrationPaused:
		good = metav1.ConditionFalse
	}
	noteworthy := c.Status != good ||
		slices.Contains([]string{v1alpha1.ReasonAlmostFull, v1alpha1.ReasonRestartNeeded}, c.Reason)
	if !noteworthy {
		return ""
	}
	return fmt.Sprintf("%s is %s: %s: %s", c.Type, c.Status, c.Reason, c.Message)
}

// serverPods are the Pods of a Managed server.
func (k *checker) serverPods(ctx context.Context, s *server) ([]corev1.Pod, error) {
	list := &corev1.PodList{}
	err := k.c.List(ctx, list, client.InNamespace(s.Namespace),
		client.MatchingLabels{v1alpha1.LabelName: v1alpha1.ServerApp, v1alpha1.LabelServer: s.Name})
	return list.Items, err
}
