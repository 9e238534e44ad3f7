package oauthclient

import (
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// wantUnregistered checks what the default server is still to be given.
func (op *operator) wantUnregistered(when string, want ...string) {
	op.t.Helper()
	must(op.t, op.sync())
	server, _ := op.Servers.Lookup(registrar.Key{Namespace: op.system, Name: "default"})
	got, err := op.Unregistered(op.t.Context(), server)
	must(op.t, err)
	// Those of other tests belong to this server too.
	got = slices.DeleteFunc(got, func(name string) bool { return !strings.HasPrefix(name, op.app+"/") })
	for i, name := range want {
		want[i] = op.app + "/" + name
	}
	if !slices.Equal(got, want) {
		op.t.Errorf("%s: unregistered are %q, want %q", when, got, want)
	}
}

// TestO20AStalledClientThatIsRegisteredIsAwaited: an OAuthClient may be Stalled while its
// client lives. After the store was lost, such a client is missing like any other: the
// server must not refuse its id.
func TestO20AStalledClientThatIsRegisteredIsAwaited(t *testing.T) {
	for _, tc := range []struct {
		name, reason string
		stall        func(*world, *v1alpha1.OAuthClient)
	}{
		{"withheld", v1alpha1.ReasonOrphanNotAllowed, func(w *world, oac *v1alpha1.OAuthClient) { w.edit(oac, func() { orphaning(oac) }) }},
		{"denied, and disabled at the server", v1alpha1.ReasonNamespaceNotAllowed, func(w *world, _ *v1alpha1.OAuthClient) { w.allow(nil) }},
		{"the Secret's name is taken", v1alpha1.ReasonSecretConflict, func(w *world, oac *v1alpha1.OAuthClient) {
			w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.app, Name: "taken"}})
			w.edit(oac, func() { oac.Spec.Credentials.SecretName = "taken" })
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, op, oac := registered(t)
			tc.stall(w, oac)
			op.settle(keyOf(oac))
			w.wantReady(keyOf(oac), metav1.ConditionFalse, tc.reason)
			op.wantUnregistered("while the store is whole")
			w.wipe()
			op.wantUnregistered("after the store was lost", oac.Name)
			op.settle(keyOf(oac))
			op.wantUnregistered("afterwards")
			w.wantClients(1)
		})
	}
}

// TestO20AStatusOfBeforeSettlesNothing: whether a client can be registered is decided
// again by each operator. A status may tell of rights that were changed since.
func TestO20AStatusOfBeforeSettlesNothing(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	w.allow(nil)
	oac := w.oauthClient("app")
	op.settle(keyOf(oac))
	op.wantUnregistered("denied and never registered")

	w.allow(&v1alpha1.ClientAccess{})
	op = w.operator()
	op.wantUnregistered("a new leader has not looked at it", oac.Name)
	op.settleAccepted(oac)
	op.wantUnregistered("accepted")
}

// TestO20WhatCannotBeRegisteredIsNotAwaited: one OAuthClient that cannot be registered
// until it is changed does not keep the store incomplete.
func TestO20WhatCannotBeRegisteredIsNotAwaited(t *testing.T) {
	w, op, oac := registered(t)
	w.edit(oac, func() { oac.Spec.Resources = []string{w.authorizationServer().Spec.Issuer + "/api"} })
	op.settle(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonResourceReserved)
	w.wipe()
	op.wantUnregistered("it cannot be registered again")
	op.settle(keyOf(oac))
	op.wantUnregistered("it still cannot be registered")
	w.edit(oac, func() { oac.Spec.Resources = nil })
	op.wantUnregistered("it was changed", oac.Name)
	op.settleAccepted(oac)
	op.wantUnregistered("accepted")
}
