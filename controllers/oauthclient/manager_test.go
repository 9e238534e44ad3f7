package oauthclient

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/rules"
	"clientele.dev/clientele/controllers/internal/written"
	"clientele.dev/clientele/controllers/registrar"
	"clientele.dev/clientele/hack/testenv"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// running is an operator in a manager: watches, queue and inventory loop.
type running struct {
	*world
	servers *registrar.Servers
}

func (w *world) manager() *running {
	w.t.Helper()
	t := w.t
	mgr, err := ctrl.NewManager(w.everyRight(), ctrl.Options{
		Scheme:  testenv.Scheme(t, v1alpha1.AddToScheme),
		Metrics: metrics.Options{BindAddress: "0"},
		Logger:  logr.Discard(),
		Cache: cache.Options{DefaultTransform: cache.TransformStripManagedFields(), ByObject: map[client.Object]cache.ByObject{
			&corev1.Secret{}: {Label: hasLabel(t, v1alpha1.LabelSecretKind)},
		}},
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	must(t, err)
	servers := registrar.NewServers(registrar.Options{Tokens: fixedToken{}, Now: time.Now, Log: logr.Discard(), PollWait: time.Second})
	must(t, mgr.Add(servers))
	must(t, New(Options{
		Client: written.New(mgr.GetClient(), time.Now), Live: mgr.GetAPIReader(), Servers: servers, Recorder: mgr.GetEventRecorder("clientele-operator"),
		Operator: rules.Operator{Namespace: w.system, ServerNamespaces: []string{w.system}, ClaimDefault: true}, Audiences: audiences, Now: time.Now,
	}).SetupWithManager(mgr))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- mgr.Start(ctx) }()
	t.Cleanup(func() { stop(); must(t, <-done) })
	return &running{world: w, servers: servers}
}

func (r *running) ready(key types.NamespacedName) *metav1.Condition {
	var oac v1alpha1.OAuthClient
	if r.kube.Get(r.t.Context(), key, &oac) != nil {
		return nil
	}
	return meta.FindStatusCondition(oac.Status.Conditions, v1alpha1.ConditionReady)
}

func (r *running) wantReadySoon(key types.NamespacedName) {
	r.t.Helper()
	eventually(r.t, key.String()+" is Ready", func() bool {
		c := r.ready(key)
		return c != nil && c.Status == metav1.ConditionTrue
	})
}

// Through the manager: every watch brings back what depends on it.
func TestWatches(t *testing.T) {
	w := newWorld(t)
	op := w.manager()
	oac := w.oauthClient("app")
	op.wantReadySoon(keyOf(oac))
	creds := w.credentials("app")
	w.wantToken(creds, http.StatusOK)
	works := func(what string) {
		t.Helper()
		eventually(t, what, func() bool { return w.server.Token(t, creds).Status == http.StatusOK })
	}

	t.Run("own Secret deleted", func(t *testing.T) {
		w.delete(w.secret(w.app, "app-oauth"))
		eventually(t, "the Secret is back", func() bool { return w.secret(w.app, "app-oauth") != nil })
		if w.credentials("app").Secret != creds.Secret {
			t.Error("with another secret")
		}
	})
	t.Run("F9 database wiped", func(t *testing.T) {
		w.wipe()
		works("the wiped server knows the client again")
	})
	t.Run("ten seconds of 503 leave nothing failed", func(t *testing.T) {
		w.proxy.failing(http.MethodPost, answer(http.StatusServiceUnavailable, "", ""))
		late := w.oauthClient("late")
		eventually(t, "it says so", func() bool {
			c := op.ready(keyOf(late))
			return c != nil && c.Reason == v1alpha1.ReasonServerError
		})
		w.proxy.failing("", nil)
		op.wantReadySoon(keyOf(late))
	})
	t.Run("NamespaceAccess changed", func(t *testing.T) {
		w.allow(nil)
		eventually(t, "the client is refused", func() bool { return w.server.Token(t, creds).Status == http.StatusUnauthorized })
		w.allow(w.access().Spec.Clients)
		works("the client is allowed again")
		op.wantReadySoon(keyOf(oac))
	})
	t.Run("namespace labelled", func(t *testing.T) {
		before := w.proxy.requests.Load()
		w.labelNamespace("x", "y")
		eventually(t, "the labels are registered", func() bool { return w.proxy.requests.Load() > before })
		op.wantReadySoon(keyOf(oac))
	})
	t.Run("K5 another CA", func(t *testing.T) {
		w.setCABundle("some CA")
		eventually(t, "the credentials Secret has it", func() bool { return string(w.secret(w.app, "app-oauth").Data["ca.crt"]) == "some CA" })
	})
	t.Run("F35 idle", func(t *testing.T) { op.wantIdle() })
	t.Run("deleted", func(t *testing.T) {
		w.delete(oac)
		eventually(t, "the client is deregistered", func() bool { return w.server.Token(t, creds).Status == http.StatusUnauthorized })
		eventually(t, "the tombstone is gone", func() bool {
			// OAuthClients that another test left behind are registered here too.
			return !slices.ContainsFunc(w.records(), func(s corev1.Secret) bool { return ownerOf(&s) == keyOf(oac) })
		})
	})
}

// wantIdle waits until the operator has come to rest: three rounds of the long poll,
// and nothing is written.
func (r *running) wantIdle() {
	r.t.Helper()
	eventually(r.t, "three rounds of the long poll in which nothing is written", func() bool {
		writes, start := r.writes.Load(), r.proxy.polls.Load()
		eventually(r.t, "the long poll goes round", func() bool { return r.proxy.polls.Load() >= start+3 })
		return r.writes.Load() == writes
	})
}

// serviceAccount makes one that may do everything that the operator does, but
// for writing Secrets.
func (w *world) serviceAccount() (*rest.Config, *rbacv1.ClusterRole) {
	w.t.Helper()
	testenv.ServiceAccount(w.t, w.system, "limited")
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: w.system}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"secrets", "namespaces"}, Verbs: []string{"get", "list", "watch"}},
		{APIGroups: []string{"oauth.clientele.dev"}, Resources: []string{"*"}, Verbs: []string{"*"}},
	}}
	w.create(role)
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: w.system},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: w.system, Name: "limited"}},
	}
	w.create(binding)
	w.t.Cleanup(func() {
		_ = w.kube.Delete(context.Background(), role)
		_ = w.kube.Delete(context.Background(), binding)
	})
	config := testenv.ServiceAccountConfig(w.t, w.system, "limited")
	config.QPS = -1
	return config, role
}
