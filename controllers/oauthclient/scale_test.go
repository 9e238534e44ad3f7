package oauthclient

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/authtest"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestF14MoreClientsThanAPage(t *testing.T) {
	w := newWorld(t)
	const n = 1100 // a page holds 1000
	var group sync.WaitGroup
	for part := range 8 {
		group.Go(func() {
			for i := part; i < n; i += 8 {
				w.server.MustRegister(t, authtest.NewClient(fmt.Sprintf("c%d", i)))
			}
		})
	}
	group.Wait()
	op := w.operator()
	must(t, op.sync())
	for _, i := range []int{0, 999, 1000, n - 1} {
		owner := types.NamespacedName{Namespace: "apps", Name: fmt.Sprintf("c%d", i)}
		if _, ok := op.server(t).Inventory().Client(owner); !ok {
			t.Errorf("the inventory lacks %s", owner)
		}
	}
	if got := op.server(t).State().Clients; got != n {
		t.Errorf("the inventory has %d clients, want %d", got, n)
	}
}

// Without the brake, a CRD that was removed, and an API server that so knows no
// OAuthClient, would deregister every client.
func TestMassDeletionIsHeldUntilConfirmed(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	must(t, op.sync())
	const n = 25 // the brake lets 20 pass
	var keys []types.NamespacedName
	for i := range n {
		keys = append(keys, keyOf(w.oauthClient(fmt.Sprintf("c%d", i))))
	}
	op.runAll(keys)
	w.wantClients(n)
	must(t, w.kube.DeleteAllOf(t.Context(), &v1alpha1.OAuthClient{}, client.InNamespace(w.app)))
	op.runAll(keys)
	w.clock.Advance(brakeAge)
	op.runAll(keys)
	w.wantClients(n)
	state := op.server(t).Brake().State()
	if !state.Paused || state.Waiting != n || state.Limit != 20 {
		t.Fatalf("the brake is %+v", state)
	}

	as := w.authorizationServer()
	w.edit(as, func() {
		metav1.SetMetaDataAnnotation(&as.ObjectMeta, v1alpha1.AnnotationConfirmDeregistration, "wrong")
	})
	op.runAll(keys)
	w.wantClients(n)
	w.edit(as, func() { as.Annotations[v1alpha1.AnnotationConfirmDeregistration] = state.Confirm })
	op.runAll(keys)
	w.wantClients(0)
	if len(w.records()) != 0 {
		t.Errorf("%d tombstones stay", len(w.records()))
	}
	if op.server(t).Brake().State().Paused {
		t.Error("the brake is still on")
	}
}

func (op *operator) runAll(keys []types.NamespacedName) {
	op.t.Helper()
	op.catchUpCache()
	for _, key := range keys {
		if _, err := op.Reconcile(op.t.Context(), request{NamespacedName: key}); err != nil {
			op.t.Fatal(err)
		}
	}
}

// A cache that lost an object does not make it gone.
func TestNothingIsDeregisteredWithoutALiveRead(t *testing.T) {
	w, op, oac := registered(t)
	key := keyOf(oac)
	op.deregister(t.Context(), key)
	w.clock.Advance(brakeAge)
	op.deregister(t.Context(), key)
	w.wantClients(1)
	if len(w.records()) != 1 {
		t.Error("the registration Secret of a living OAuthClient was deleted")
	}
}

func TestF20RightsTakenAndGivenBack(t *testing.T) {
	w := newWorld(t)
	lim := w.limitedOperator()
	op := lim.operator
	oac := w.oauthClient("app")
	must(t, op.sync())
	op.run(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonSecretsForbidden)
	w.wantClients(0)
	lim.grant()
	eventually(t, "the right counts", func() bool {
		op.run(keyOf(oac))
		return w.secret(w.app, "app-oauth") != nil
	})
	op.settleAccepted(oac)
	w.wantToken(w.credentials("app"), http.StatusOK)
	w.wantClients(1)
}

// F20: throttling and conflicts of the API server end in a retry, not in a
// status that is wrong for good.
func TestF20ThrottlingAndConflicts(t *testing.T) {
	for _, tc := range []struct {
		name string
		err  *apierrors.StatusError
	}{
		{"throttled", apierrors.NewTooManyRequests("slow down", 1)},
		{"conflict", apierrors.NewConflict(corev1.Resource("secrets"), "x", fmt.Errorf("changed"))},
		{"gone", apierrors.NewResourceExpired("too old")},
		{"internal", apierrors.NewInternalError(fmt.Errorf("etcd"))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := fromKubernetes(tc.err, "write")
			if p.stalled || p.outcome.IsDone() {
				t.Errorf("%+v is not tried again", p)
			}
		})
	}
}

// F36: what is secret appears nowhere but in Secrets.
func TestF36SecretsAppearInNoStatusOrError(t *testing.T) {
	w, op, oac := registered(t)
	planted := [][]byte{w.records()[0].Data[keySecret], w.records()[0].Data[keyToken], []byte(authtest.RegistrarToken)}
	// A server that says back what it was sent, and a Secret that is refused.
	w.proxy.failing(http.MethodPost, func(rw http.ResponseWriter, r *http.Request) {
		var sent bytes.Buffer
		_, _ = sent.ReadFrom(r.Body)
		rw.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(rw, `{"error":"server_error","error_description":%q}`, "hash "+fmt.Sprint(sent.Len()))
	})
	s := w.secret(w.app, "app-oauth")
	s.Immutable, s.Labels = new(true), nil
	must(t, w.kube.Update(t.Context(), s))
	w.edit(oac, func() {
		metav1.SetMetaDataAnnotation(&oac.ObjectMeta, v1alpha1.AnnotationRotateSecret, "1")
		oac.Spec.Credentials.Template = &v1alpha1.CredentialsTemplate{Keys: &v1alpha1.CredentialsKeys{ClientSecret: "password"}}
	})
	op.run(keyOf(oac))
	w.proxy.failing("", nil)
	op.run(keyOf(oac))
	w.wantReady(keyOf(oac), metav1.ConditionFalse, v1alpha1.ReasonSecretConflict)
	planted = append(planted, w.records()[0].Data[keySecret])

	text := fmt.Sprintf("%+v", w.get(keyOf(oac)).Status) + fmt.Sprintf("%v %+v %#v", readRecord(&w.records()[0]).Current, readRecord(&w.records()[0]).Token, readRecord(&w.records()[0]).Previous)
	for _, p := range planted {
		if len(p) == 0 || strings.Contains(text, string(p)) {
			t.Errorf("a secret appears in %s", text)
		}
	}
}

// limited is an operator whose rights to Secrets are given later.
type limited struct {
	operator *operator
	grant    func()
}

func (w *world) limitedOperator() limited {
	w.t.Helper()
	config, role := w.serviceAccount()
	return limited{operator: w.operatorFor(config, patient), grant: func() {
		w.t.Helper()
		must(w.t, w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(role), role))
		role.Rules = append(role.Rules, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"create", "update", "delete"}})
		must(w.t, w.kube.Update(w.t.Context(), role))
	}}
}

func TestF33OneNamespaceDoesNotStopAnother(t *testing.T) {
	w := newWorld(t)
	running := w.manager()
	for i := range 200 {
		w.oauthClient(fmt.Sprintf("busy%d", i))
	}
	busy := w.app
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "quiet-"}}
	w.create(ns)
	t.Cleanup(func() { must(t, w.kube.Delete(context.Background(), ns)) })
	w.app = ns.Name
	quiet := w.oauthClient("app")
	started := time.Now()
	running.wantReadySoon(keyOf(quiet))
	t.Logf("ready after %v beside 200 of namespace %s", time.Since(started), busy)
}
