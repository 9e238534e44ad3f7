package check

import (
	"context"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// peer is a Pod as NetworkPolicies see it.
type peer struct {
	namespace       string
	namespaceLabels labels.Set
	labels          labels.Set
	ip              string
}

// port of a Pod, by number and name.
type port struct {
	number int32
	name   string
}

func (k *checker) peerOf(ctx context.Context, namespace string, podLabels map[string]string, ip string) (peer, error) {
	ns := &corev1.Namespace{}
	err := k.c.Get(ctx, client.ObjectKey{Name: namespace}, ns)
	return peer{namespace, ns.Labels, podLabels, ip}, err
}

// closedBy returns the policies that keep one Pod from a TCP port of another. A Pod that
// a policy selects accepts, or opens, what one of its policies permits; a Pod that none
// selects, everything. So it is all of them, or none.
func closedBy(policies []networkingv1.NetworkPolicy, from, to peer, at port) []networkingv1.NetworkPolicy {
	var in, out []networkingv1.NetworkPolicy
	letIn, letOut := false, false
	for _, p := range policies {
		if selects(p, to, networkingv1.PolicyTypeIngress) {
			in = append(in, p)
			letIn = letIn || slices.ContainsFunc(p.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool {
				return permits(r.From, r.Ports, p.Namespace, from, at)
			})
		}
		if selects(p, from, networkingv1.PolicyTypeEgress) {
			out = append(out, p)
			letOut = letOut || slices.ContainsFunc(p.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
				return permits(r.To, r.Ports, p.Namespace, to, at)
			})
		}
	}
	var closing []networkingv1.NetworkPolicy
	if !letIn {
		closing = append(closing, in...)
	}
	if !letOut {
		closing = append(closing, out...)
	}
	return closing
}

// selects says whether a policy is about one direction of a Pod.
func selects(p networkingv1.NetworkPolicy, pod peer, direction networkingv1.PolicyType) bool {
	types := p.Spec.PolicyTypes
	if len(types) == 0 { // defaulted by the API server; egress where there are rules
		types = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
		if len(p.Spec.Egress) > 0 {
			types = append(types, networkingv1.PolicyTypeEgress)
		}
	}
	return p.Namespace == pod.namespace && slices.Contains(types, direction) && matches(&p.Spec.PodSelector, pod.labels)
}

// permits says whether a rule is about a Pod and a port.
func permits(peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort, namespace string, pod peer, at port) bool {
	about := len(peers) == 0 || slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool { return is(p, namespace, pod) })
	open := len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool { return opens(p, at) })
	return about && open
}

func is(p networkingv1.NetworkPolicyPeer, namespace string, pod peer) bool {
	if p.IPBlock != nil {
		return inBlock(p.IPBlock, pod.ip)
	}
	if p.NamespaceSelector == nil {
		return namespace == pod.namespace && matches(p.PodSelector, pod.labels)
	}
	return matches(p.NamespaceSelector, pod.namespaceLabels) && (p.PodSelector == nil || matches(p.PodSelector, pod.labels))
}

func inBlock(b *networkingv1.IPBlock, ip string) bool {
	in := func(cidr string) bool {
		network, err := netip.ParsePrefix(cidr)
		address, err2 := netip.ParseAddr(ip)
		return err == nil && err2 == nil && network.Contains(address)
	}
	return in(b.CIDR) && !slices.ContainsFunc(b.Except, in)
}

func opens(p networkingv1.NetworkPolicyPort, at port) bool {
	switch {
	case p.Protocol != nil && *p.Protocol != corev1.ProtocolTCP:
		return false
	case p.Port == nil:
		return true
	case p.Port.Type == intstr.String:
		return p.Port.StrVal == at.name
	case p.EndPort != nil:
		return p.Port.IntVal <= at.number && at.number <= *p.EndPort
	}
	return p.Port.IntVal == at.number
}

// matches: a selector that cannot be read matches nothing.
func matches(selector *metav1.LabelSelector, of labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(of)
}
