package oauthclient

import (
	"context"
	"net/http"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/written"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// cacheWithoutSecrets is a cache that shows no Secret yet.
type cacheWithoutSecrets struct{ client.Client }

func (c cacheWithoutSecrets) Get(ctx context.Context, key client.ObjectKey, into client.Object, opts ...client.GetOption) error {
	if _, secret := into.(*corev1.Secret); secret {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	return c.Client.Get(ctx, key, into, opts...)
}

func (c cacheWithoutSecrets) List(ctx context.Context, into client.ObjectList, opts ...client.ListOption) error {
	if _, secrets := into.(*corev1.SecretList); secrets {
		return nil
	}
	return c.Client.List(ctx, into, opts...)
}

// O14: while the cache does not show a Secret that was written, the quota counts it, and
// no pass makes another one. If the operator does not remember the write either (it was
// restarted), that costs refused writes and nothing else.
func TestO14ACacheThatIsBehind(t *testing.T) {
	w := newWorld(t)
	w.limit(v1alpha1.AccessQuota{Clients: new(int32(1))})
	op := w.operator()
	first, second := w.oauthClient("first"), w.oauthClient("second")
	must(t, op.sync())
	forget := func() { op.Client = written.New(cacheWithoutSecrets{op.client}, op.clock.Now) }
	pass := func(oac *v1alpha1.OAuthClient) {
		t.Helper()
		_, err := op.Reconcile(t.Context(), request{NamespacedName: keyOf(oac)})
		must(t, err)
	}
	forget()
	pass(first)
	w.wantAccepted(first)
	creds, writes := w.credentials("first"), w.writes.Load()
	pass(second)
	w.wantReady(keyOf(second), metav1.ConditionFalse, v1alpha1.ReasonQuotaExceeded)
	pass(first)
	if got := w.writes.Load() - writes; got != 1 {
		t.Errorf("%d writes, want one: the second client's status", got)
	}

	versions := func() [2]string {
		return [2]string{w.records()[0].ResourceVersion, w.secret(w.app, "first-oauth").ResourceVersion}
	}
	before := versions()
	writes = w.writes.Load()
	forget()
	pass(first)
	pass(first)
	if got := w.writes.Load() - writes; got != 2 {
		t.Errorf("%d writes, want one that is refused for each pass", got)
	}
	if versions() != before || w.credentials("first").Secret != creds.Secret {
		t.Error("a Secret was written again")
	}
	w.wantAccepted(first)
	w.wantToken(creds, http.StatusOK)
}
