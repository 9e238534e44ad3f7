package gitops

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/kube"
	"clientele.dev/clientele/authserver/store/sqlite"
	"clientele.dev/clientele/controllers"
	"clientele.dev/clientele/hack/testenv"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// system is the namespace of config/install.yaml.
	system = "clientele-system"
	// allowed is the label of namespaces that may have OAuthClients and ScopePolicies.
	allowed = "gitops.test/allowed"
	// resource is what they may declare.
	resource = "https://orders.shop.example"
)

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	testenv.Main(m)
}

// world is a real API server and an authorization server. The operator is started by the
// test.
type world struct {
	client.WithWatch
	issuer string
	log    *log
}

// log keeps what operator and server write.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) handler() slog.Handler { return slog.NewTextHandler(l, nil) }

// newWorld starts the authorization server and creates its object, and the
// NamespaceAccess of the namespaces that may.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{WithWatch: testenv.Client(t, v1alpha1.AddToScheme), log: &log{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(w.log.text.String())
		}
	})
	at := listen(t)
	w.issuer = "http://" + at.Addr().String()
	w.serve(t, at)
	w.create(t, w.server("default"))
	w.create(t, w.access("teams", allowed))
	return w
}

func (w *world) server(name string) *v1alpha1.AuthorizationServer {
	return &v1alpha1.AuthorizationServer{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: name},
		Spec: v1alpha1.AuthorizationServerSpec{
			Issuer: w.issuer, Type: v1alpha1.AuthorizationServerUnmanaged, Unmanaged: &v1alpha1.UnmanagedServer{},
		},
	}
}

// access permits the namespaces that have a label.
func (w *world) access(name, label string) *v1alpha1.NamespaceAccess {
	return &v1alpha1.NamespaceAccess{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: name},
		Spec: v1alpha1.NamespaceAccessSpec{
			Namespaces: v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSelector, Selector: &metav1.LabelSelector{
				MatchExpressions: []metav1.LabelSelectorRequirement{{Key: label, Operator: metav1.LabelSelectorOpExists}},
			}},
			Clients:   &v1alpha1.ClientAccess{},
			Resources: &v1alpha1.ResourceAccess{Prefixes: []string{resource}},
		},
	}
}

// namespace makes a namespace with a label.
func (w *world) namespace(t *testing.T, label string) string {
	t.Helper()
	name := testenv.Namespace(t)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	w.patch(t, ns, `{"metadata":{"labels":{"`+label+`":"yes"}}}`)
	return name
}

func oauthClient(ns, name string) *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}}
}

func scopePolicy(ns, name, resource string) *v1alpha1.ScopePolicy {
	return &v1alpha1.ScopePolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Spec: v1alpha1.ScopePolicySpec{
			Resource: resource,
			Scopes:   []v1alpha1.ScopeDeclaration{{Name: "read"}},
			Allow:    []v1alpha1.AllowRule{{Namespaces: v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSame}, Scopes: []string{"read"}}},
		},
	}
}

// create makes an object and removes it when the test ends.
func (w *world) create(t *testing.T, obj client.Object) {
	t.Helper()
	if err := w.Create(t.Context(), obj); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.IgnoreNotFound(w.Delete(context.Background(), obj)); err != nil {
			t.Error(err)
		}
	})
}

func (w *world) patch(t *testing.T, obj client.Object, patch string) {
	t.Helper()
	if err := w.Patch(t.Context(), obj, client.RawPatch("application/merge-patch+json", []byte(patch))); err != nil {
		t.Fatal(err)
	}
}

// read returns an object as programs see it that do not know its type.
func (w *world) read(t *testing.T, obj client.Object) *unstructured.Unstructured {
	t.Helper()
	gvk, err := w.GroupVersionKindFor(obj)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(gvk)
	if err := w.Get(t.Context(), client.ObjectKeyFromObject(obj), u); err != nil {
		t.Fatal(err)
	}
	return u
}

// await waits until Ready of an object has a reason, for its spec as it is.
func (w *world) await(t *testing.T, obj client.Object, reason string) {
	t.Helper()
	eventually(t, obj.GetName()+": "+reason, func() bool { return w.ready(t, obj).reason == reason })
}

type ready struct{ status, reason string }

// ready is the condition Ready if it tells of the spec as it is.
func (w *world) ready(t *testing.T, obj client.Object) ready {
	t.Helper()
	u := w.read(t, obj)
	conditions, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, one := range conditions {
		c, _ := one.(map[string]any)
		if c["type"] == v1alpha1.ConditionReady && c["observedGeneration"] == u.GetGeneration() {
			return ready{c["status"].(string), c["reason"].(string)}
		}
	}
	return ready{}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) { return done(), nil })
	if err != nil {
		t.Fatalf("after a minute not yet: %s", what)
	}
}

// startOperator runs the operator with the rights of config/install.yaml until stop is called or
// the test ends.
func (w *world) startOperator(t *testing.T) (stop func()) {
	t.Helper()
	return background(t, "the operator", func(ctx context.Context) error {
		return controllers.Run(ctx, controllers.Options{
			Config:                 testenv.ServiceAccountConfig(t, system, "clientele-operator"),
			Namespace:              system,
			ClaimDefault:           true,
			ServiceAccount:         "clientele-operator",
			MetricsBindAddress:     "0",
			HealthProbeBindAddress: "0",
			LeaderElect:            true,
			Log:                    logr.FromSlogHandler(w.log.handler()),
			Now:                    time.Now,
		})
	})
}

// serve runs the authorization server with the rights of config/install.yaml.
func (w *world) serve(t *testing.T, at net.Listener) {
	t.Helper()
	logger := slog.New(w.log.handler())
	adapter, err := kube.New(kube.Options{
		Config: testenv.ServiceAccountConfig(t, system, "clientele-server"), Namespace: system, Name: "default",
		Outbound: http.DefaultClient, Log: logger, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	server, err := authserver.New(authserver.Options{
		Store: db, Source: adapter, Registrars: adapter, Users: adapter.Users(), Upstreams: adapter.Upstreams,
		Log: logger, Now: time.Now, ShutdownTimeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	metrics := listen(t)
	background(t, "the server", func(ctx context.Context) error {
		defer db.Close()
		return server.Serve(ctx, authserver.Listeners{Endpoints: at, Metrics: metrics})
	})
}

func background(t *testing.T, what string, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("%s stopped with %v", what, err)
			}
		case <-time.After(time.Minute):
			t.Errorf("%s does not stop", what)
		}
	})
	t.Cleanup(stop)
	return stop
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
