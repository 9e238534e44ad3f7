package check

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"clientele.dev/clientele/api/v1alpha1"
)

func TestAServerThatNothingAnswersFor(t *testing.T) {
	w := newWorld(t)
	as := w.unwatched(t, said(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable, "connection refused"),
		said(v1alpha1.ConditionServerReachable, metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable, "connection refused"))
	o := w.check(t, w.caller)
	o.fails(t, exitFailed, checkServers, checkPorts)
	o.has(t, checkPorts, fail, "port of AuthorizationServer clientele-system/default at https://localhost:1 - nothing answers: ", "connection refused", "do: curl -sv https://localhost:1/healthz")

	// A server that the operator reaches may be behind a network that this machine is not in.
	w.says(t, as, said(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing, ""), said(v1alpha1.ConditionServerReachable, metav1.ConditionTrue, v1alpha1.ReasonReachable, ""))
	o = w.check(t, w.caller)
	o.fails(t, 0)
	o.has(t, checkPorts, warn, "the operator reaches it, this machine does not: ", "connection refused")
}

// A registrar port of its own is looked at too.
func TestARegistrarPortOfItsOwn(t *testing.T) {
	w := running(t)
	as := w.authorizationServer()
	change(t, w, as, func(as *v1alpha1.AuthorizationServer) { as.Spec.Unmanaged.RegistrarURL = "https://localhost:2" })
	o := w.check(t, w.caller)
	o.has(t, checkPorts, ok, "at "+w.issuer)
	for _, f := range o.findings {
		if f.Check == checkPorts && f.Level == ok {
			continue
		}
		if f.Check == checkPorts && f.What != "port of AuthorizationServer clientele-system/default at https://localhost:2" {
			t.Errorf("%s", f)
		}
	}
}

var serverLabels = map[string]string{v1alpha1.LabelName: v1alpha1.ServerApp, v1alpha1.LabelServer: "default"}

// managed is a Managed AuthorizationServer as an operator would describe it, with a Pod
// whose node does not exist: what is forwarded to it ends at the API server.
func (w *world) managed(t *testing.T, conditions ...metav1.Condition) {
	t.Helper()
	as := &v1alpha1.AuthorizationServer{
		ObjectMeta: in(system, "default"),
		Spec:       v1alpha1.AuthorizationServerSpec{Issuer: "https://auth.example", Type: v1alpha1.AuthorizationServerManaged, Managed: &v1alpha1.ManagedServer{}},
	}
	w.create(t, as)
	w.says(t, as, conditions...)
	w.pod(t, "clientele-default-0", serverLabels, ready)
}

const (
	registrarPort = "registrar port 8444 of AuthorizationServer clientele-system/default - "
	publicPort    = "public port of AuthorizationServer clientele-system/default - "
)

// A closed registrar port is named, and so are the policies that close it.
func TestAClosedRegistrarPort(t *testing.T) {
	w := newWorld(t)
	w.lease(t, "op", metav1.Now().Time)
	unreachable := said(v1alpha1.ConditionServerReachable, metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable, "no answer in time")
	w.managed(t, said(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonServerUnreachable, "no answer in time"), unreachable)
	o := w.check(t, w.caller)
	o.fails(t, exitFailed, checkServers, checkPorts, checkRights)
	o.has(t, checkPorts, fail, registrarPort+"the operator does not reach it (no answer in time), and the Pod does not take connections either (port 8444 of Pod clientele-default-0, forwarded: ",
		"no NetworkPolicy that can be read closes it", "do: kubectl -n clientele-system describe networkpolicy")
	o.has(t, checkPorts, fail, publicPort+"by port 8443 of Pod clientele-default-0, forwarded: ", "do: kubectl -n clientele-system describe pods -l app.kubernetes.io/name=clientele-server,oauth.clientele.dev/server=default")

	o.has(t, checkRights, fail, "rights of ServiceAccount clientele-system/clientele-default - it may not ", "get authorizationservers.oauth.clientele.dev default in clientele-system")

	w.create(t, &networkingv1.NetworkPolicy{ObjectMeta: in(system, "default-deny"), Spec: networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}}})
	w.check(t, w.caller).has(t, checkPorts, fail, registrarPort, "NetworkPolicy clientele-system/default-deny does not let the operator in", "do: kubectl -n clientele-system describe networkpolicy default-deny")
}

// A policy that closes the port is worth a warning while the network does not enforce it.
func TestAPolicyThatWouldCloseTheRegistrarPort(t *testing.T) {
	w := newWorld(t)
	w.lease(t, "op", metav1.Now().Time)
	w.managed(t, said(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing, ""), said(v1alpha1.ConditionServerReachable, metav1.ConditionTrue, v1alpha1.ReasonReachable, ""))
	w.check(t, w.caller).has(t, checkPorts, ok, registrarPort+"the operator reaches it")
	o := w.check(t, w.person(t, "clientele-check"))
	o.has(t, checkPorts, warn, publicPort+"you may not forward a port to its Pods", "do: kubectl -n clientele-system create rolebinding clientele-check --role=clientele-check --user=")
	o.has(t, checkPorts, ok, registrarPort+"the operator reaches it")
	w.create(t, &networkingv1.NetworkPolicy{ObjectMeta: in(system, "default-deny"), Spec: networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}}})
	w.check(t, w.caller).has(t, checkPorts, warn, registrarPort, "default-deny", "where the network enforces policies, it cannot register clients", "do: kubectl -n clientele-system describe networkpolicy default-deny")
}

func TestAServerWithoutPods(t *testing.T) {
	w := newWorld(t)
	w.lease(t, "op", metav1.Now().Time)
	w.managed(t, said(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonAdmissionRefused, "exceeded quota"))
	w.remove(t, &corev1.Pod{ObjectMeta: in(system, "clientele-default-0")})
	o := w.check(t, w.caller)
	o.has(t, checkServers, fail, "it is not Ready: AdmissionRefused: exceeded quota")
	o.has(t, checkPorts, fail, "Pods of AuthorizationServer clientele-system/default - there is none; "+describeDefault)
}
