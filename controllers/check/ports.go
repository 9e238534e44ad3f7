package check

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
)

// checkPorts says whether the public endpoints take connections from here, and the
// registrar API those of the operator.
func (k *checker) checkPorts(ctx context.Context) {
	for _, s := range k.servers {
		if s.managed() {
			k.checkManagedPorts(ctx, s)
		} else {
			k.checkUnmanagedPorts(ctx, s)
		}
	}
}

func (k *checker) checkUnmanagedPorts(ctx context.Context, s *server) {
	registrar, public := unmanagedURLs(s)
	for _, at := range compact(public, registrar) {
		what := fmt.Sprintf("port of AuthorizationServer %s at %s", s, at)
		w, err := toURL(at)
		if err == nil {
			err = w.try(ctx)
		}
		if at == public {
			s.way, s.base, s.reached = w, public, err == nil
		}
		switch {
		case err == nil:
			k.ok(checkPorts, what, "")
		case k.operatorReaches(s):
			k.warn(checkPorts, what, "the operator reaches it, this machine does not: "+message(err), "curl -sv "+at+"/healthz")
		default:
			k.fail(checkPorts, what, "nothing answers: "+message(err)+"; it is not the operator that runs this server", "curl -sv "+at+"/healthz")
		}
	}
}

func compact(a, b string) []string {
	if a == b {
		return []string{a}
	}
	return []string{a, b}
}

func (k *checker) checkManagedPorts(ctx context.Context, s *server) {
	what := fmt.Sprintf("Pods of AuthorizationServer %s", s)
	describe := fmt.Sprintf("kubectl -n %s describe pods -l %s=%s,%s=%s", s.Namespace, v1alpha1.LabelName, v1alpha1.ServerApp, v1alpha1.LabelServer, s.Name)
	var err error
	if s.pods, err = k.serverPods(ctx, s); err != nil {
		k.unread(checkPorts, what, err)
		if !k.inCluster {
			return
		}
	} else if len(s.pods) == 0 {
		k.fail(checkPorts, what, "there is none", fmt.Sprintf("kubectl -n %s describe authorizationserver %s", s.Namespace, s.Name))
		return
	}
	k.checkPublicPort(ctx, s, describe)
	k.checkRegistrarPort(ctx, s)
}

func (k *checker) checkPublicPort(ctx context.Context, s *server, describe string) {
	what := fmt.Sprintf("public port of AuthorizationServer %s", s)
	if s.unreached = !k.inCluster && !k.mayForward(ctx, s); s.unreached {
		k.warn(checkPorts, what, "you may not forward a port to its Pods, so its endpoints are not looked at; a cluster admin can let you",
			fmt.Sprintf("kubectl -n %s create rolebinding clientele-check --role=clientele-check %s", s.Namespace, asMe))
		return
	}
	s.way, s.base = k.wayTo(ctx, s, v1alpha1.ServerObjectName(s.Name), v1alpha1.PortService, v1alpha1.PortHTTPS), s.Spec.Issuer
	err := s.way.try(ctx)
	s.reached = err == nil
	if err != nil {
		k.fail(checkPorts, what, fmt.Sprintf("by %s: %s", s.way.words, message(err)), describe)
		return
	}
	k.ok(checkPorts, what, "by "+s.way.words)
}

// mayForward says whether the caller may reach the server's Pods through the API server.
func (k *checker) mayForward(ctx context.Context, s *server) bool {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: s.Namespace, Verb: "create", Resource: "pods", Subresource: "portforward"},
	}}
	return k.c.Create(ctx, review) != nil || review.Status.Allowed // unknown: it is tried
}

// checkRegistrarPort goes by what the operator says: the port is for it alone. From
// elsewhere it may be closed, and a forwarded port passes by what closes it.
func (k *checker) checkRegistrarPort(ctx context.Context, s *server) {
	what := fmt.Sprintf("registrar port %d of AuthorizationServer %s", v1alpha1.PortRegistrar, s)
	policies, closed, err := k.closing(ctx, s)
	if err != nil {
		k.unread(checkPorts, "NetworkPolicies of "+what, err)
	}
	show := fmt.Sprintf("kubectl -n %s describe networkpolicy", s.Namespace)
	named := ""
	if closed {
		show, named = describePolicies(policies), strings.Join(keys(policies), " and ")
	}
	reachable := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionServerReachable)
	switch {
	case reachable != nil && reachable.Reason == v1alpha1.ReasonServerUnreachable && reachable.Status != metav1.ConditionTrue:
		k.fail(checkPorts, what, k.unreachable(ctx, s, reachable.Message, named), show)
	case closed:
		k.warn(checkPorts, what, "NetworkPolicy "+named+" does not let the operator in; where the network enforces policies, it cannot register clients", show)
	case k.operatorReaches(s):
		k.ok(checkPorts, what, "the operator reaches it")
	}
}

// unreachable says what may stand between the operator and the registrar port.
func (k *checker) unreachable(ctx context.Context, s *server, said, policies string) string {
	text := "the operator does not reach it (" + said + ")"
	w := k.wayTo(ctx, s, v1alpha1.RegistrarServiceName(s.Name), v1alpha1.PortRegistrar, v1alpha1.PortRegistrar)
	if !k.inCluster && !s.unreached {
		if err := w.try(ctx); err == nil {
			text += fmt.Sprintf(", but the Pod takes connections (%s): something between them closes it", w.words)
		} else {
			text += fmt.Sprintf(", and the Pod does not take connections either (%s: %s)", w.words, message(err))
		}
	}
	if policies != "" {
		return text + "; NetworkPolicy " + policies + " does not let the operator in"
	}
	return text + "; no NetworkPolicy that can be read closes it: look for a policy of the network plug-in or the mesh, and for a firewall between the nodes"
}

// operatorReaches says whether the operator can speak to the server.
func (k *checker) operatorReaches(s *server) bool {
	return meta.IsStatusConditionTrue(s.Status.Conditions, v1alpha1.ConditionServerReachable)
}

// closing returns the NetworkPolicies that keep the operator's Pods from the registrar
// port, if any do.
func (k *checker) closing(ctx context.Context, s *server) ([]networkingv1.NetworkPolicy, bool, error) {
	if len(k.operatorPods) == 0 || len(s.pods) == 0 {
		return nil, false, nil // it is not known who would have to be let in
	}
	from, err := k.peerOf(ctx, k.operatorPods[0].Namespace, k.operatorPods[0].Labels, k.operatorPods[0].Status.PodIP)
	if err != nil {
		return nil, false, err
	}
	to, err := k.peerOf(ctx, s.Namespace, s.pods[0].Labels, s.pods[0].Status.PodIP)
	if err != nil {
		return nil, false, err
	}
	var all []networkingv1.NetworkPolicy
	for _, namespace := range compact(from.namespace, to.namespace) {
		list := &networkingv1.NetworkPolicyList{}
		if err := k.c.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return nil, false, err
		}
		all = append(all, list.Items...)
	}
	by := closedBy(all, from, to, port{v1alpha1.PortRegistrar, v1alpha1.PortNameRegistrar})
	return by, len(by) > 0, nil
}

// describePolicies shows policies of the first one's namespace.
func describePolicies(policies []networkingv1.NetworkPolicy) string {
	text := fmt.Sprintf("kubectl -n %s describe networkpolicy", policies[0].Namespace)
	for _, p := range policies {
		if p.Namespace == policies[0].Namespace {
			text += " " + p.Name
		}
	}
	return text
}

func keys(policies []networkingv1.NetworkPolicy) []string {
	var all []string
	for _, p := range policies {
		all = append(all, p.Namespace+"/"+p.Name)
	}
	return all
}
