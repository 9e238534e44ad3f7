package controllers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
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
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// kubernetesLog is what the Kubernetes libraries write; they have one logger for
// the whole process.
var kubernetesLog = &log{}

func TestMain(m *testing.M) {
	klog.SetLogger(logr.FromSlogHandler(kubernetesLog.handler()))
	testenv.Main(m, testenv.WithControllerManager())
}

const (
	system    = "clientele-system"
	testImage = "clientele.dev/clientele:test"
)

// stack is an operator and an authorization server, each with the rights of its
// own ServiceAccount.
type stack struct {
	client client.WithWatch
	issuer string
	ns     string // an app team's namespace
	log    *log
	data   string // the server's
	// line is the server's to the API server.
	line *testenv.Line
	// stopServer stops the authorization server.
	stopServer func()
}

// log keeps what both write.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *log) handler() slog.Handler {
	return slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelInfo})
}

// start starts the server and the operator, with an AuthorizationServer.
func start(t *testing.T) *stack {
	t.Helper()
	s := startServerOnly(t)
	startOperator(t, s.log)
	return s
}

// startServerOnly starts all but the operator, which the test starts itself.
func startServerOnly(t *testing.T) *stack {
	t.Helper()
	s := &stack{client: testenv.Client(t, v1alpha1.AddToScheme), ns: testenv.Namespace(t), log: &log{}, data: t.TempDir(), line: &testenv.Line{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(s.log)
		}
	})
	// The keys outlive their AuthorizationServer; the next test begins with its own.
	t.Cleanup(func() {
		s.remove(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: v1alpha1.SigningKeysSecretName("default")}})
	})
	at := listen(t)
	s.issuer = "http://" + at.Addr().String()
	s.stopServer = startServer(t, s.log, at, s.data, s.line)
	s.create(t, s.authorizationServer())
	s.create(t, s.access())
	return s
}

// startServerAgain starts the server where it was, with the data it had. A connection
// that somebody made meanwhile may have that port for a moment.
func (s *stack) startServerAgain(t *testing.T) {
	t.Helper()
	var at net.Listener
	var err error
	s.eventually(t, func(context.Context) bool {
		at, err = net.Listen("tcp", strings.TrimPrefix(s.issuer, "http://"))
		return err == nil
	}, func() string { return err.Error() })
	s.stopServer = startServer(t, s.log, at, s.data, s.line)
}

func (s *stack) authorizationServer() *v1alpha1.AuthorizationServer {
	return &v1alpha1.AuthorizationServer{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "default"},
		Spec: v1alpha1.AuthorizationServerSpec{
			Issuer:    s.issuer,
			Type:      v1alpha1.AuthorizationServerUnmanaged,
			Unmanaged: &v1alpha1.UnmanagedServer{},
		},
	}
}

// access lets every namespace have OAuthClients and declare the resource of policy.
func (s *stack) access() *v1alpha1.NamespaceAccess {
	return &v1alpha1.NamespaceAccess{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "teams"},
		Spec: v1alpha1.NamespaceAccessSpec{
			Namespaces: v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromAll},
			Clients:    &v1alpha1.ClientAccess{RedirectHosts: []string{"*"}},
			Resources:  &v1alpha1.ResourceAccess{Prefixes: []string{"https://orders.example"}},
		},
	}
}

func (s *stack) policy() *v1alpha1.ScopePolicy {
	return &v1alpha1.ScopePolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "orders"},
		Spec: v1alpha1.ScopePolicySpec{
			Resource: "https://orders.example",
			Scopes:   []v1alpha1.ScopeDeclaration{{Name: "read"}},
			Allow:    []v1alpha1.AllowRule{{Namespaces: v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromSame}, Scopes: []string{"read"}}},
		},
	}
}

func (s *stack) oauthClient() *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "checkout"},
		Spec:       v1alpha1.OAuthClientSpec{Resources: []string{"https://orders.example"}, Scopes: []string{"read"}},
	}
}

// create makes an object and takes it away when the test ends, if it is still
// there.
func (s *stack) create(t *testing.T, obj client.Object) {
	t.Helper()
	if err := s.client.Create(t.Context(), obj); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.remove(t, obj) })
}

func (s *stack) remove(t *testing.T, obj client.Object) {
	t.Helper()
	if err := client.IgnoreNotFound(s.client.Delete(context.Background(), obj)); err != nil {
		t.Error(err)
	}
}

// await waits until the object's condition has a reason.
func (s *stack) await(t *testing.T, obj client.Object, condition, reason string) {
	t.Helper()
	var last *metav1.Condition
	s.eventually(t, func(ctx context.Context) bool {
		if s.client.Get(ctx, client.ObjectKeyFromObject(obj), obj) != nil {
			return false
		}
		last = meta.FindStatusCondition(conditionsOf(obj), condition)
		return last != nil && last.Reason == reason && last.ObservedGeneration == obj.GetGeneration()
	}, func() string {
		return fmt.Sprintf("%T %s: %s is %+v, want reason %s", obj, obj.GetName(), condition, last, reason)
	})
}

// awaitNo waits until an object has no condition of a type.
func (s *stack) awaitNo(t *testing.T, obj client.Object, condition string) {
	t.Helper()
	s.eventually(t, func(ctx context.Context) bool {
		err := s.client.Get(ctx, client.ObjectKeyFromObject(obj), obj)
		return err == nil && meta.FindStatusCondition(conditionsOf(obj), condition) == nil
	}, func() string { return fmt.Sprintf("the conditions are %+v", conditionsOf(obj)) })
}

func (s *stack) eventually(t *testing.T, done func(context.Context) bool, what func() string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) { return done(ctx), nil })
	if err != nil {
		t.Fatalf("after a minute: %s", what())
	}
}

func conditionsOf(obj client.Object) []metav1.Condition {
	switch o := obj.(type) {
	case *v1alpha1.AuthorizationServer:
		return o.Status.Conditions
	case *v1alpha1.ScopePolicy:
		return o.Status.Conditions
	case *v1alpha1.OAuthClient:
		return o.Status.Conditions
	case *v1alpha1.NamespaceAccess:
		return o.Status.Conditions
	}
	return nil
}

// token asks for a token with the credentials in a Secret and returns the scopes
// it has, or what the server says instead.
func (s *stack) token(t *testing.T, secretName string) string {
	t.Helper()
	secret := &corev1.Secret{}
	if err := s.client.Get(t.Context(), client.ObjectKey{Namespace: s.ns, Name: secretName}, secret); err != nil {
		return err.Error()
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, string(secret.Data["token_endpoint"]), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(string(secret.Data["client_id"])), url.QueryEscape(string(secret.Data["client_secret"])))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	var body struct{ Scope, Error string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s%s", response.StatusCode, body.Scope, body.Error)
}

func (s *stack) awaitToken(t *testing.T, want string) {
	t.Helper()
	var last string
	s.eventually(t, func(context.Context) bool { last = s.token(t, "checkout-oauth"); return last == want },
		func() string { return fmt.Sprintf("asking for a token gives %q, want %q", last, want) })
}

// startOperator runs the operator with the rights of config/install.yaml, and stops it
// when the test ends.
func startOperator(t *testing.T, l *log) (stop func()) {
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
			Image:                  testImage,
			Log:                    logr.FromSlogHandler(l.handler()),
			Now:                    time.Now,
		})
	})
}

// startServer runs an authorization server with the rights of config/install.yaml.
func startServer(t *testing.T, l *log, at net.Listener, dir string, line *testenv.Line) (stop func()) {
	t.Helper()
	logger := slog.New(l.handler())
	adapter, err := kube.New(kube.Options{
		Config: line.Through(testenv.ServiceAccountConfig(t, system, "clientele-server")), Namespace: system, Name: "default",
		Outbound: http.DefaultClient, Log: logger, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := authserver.New(authserver.Options{
		Store: db, Source: adapter, Registrars: adapter, Users: adapter.Users(), Upstreams: adapter.Upstreams, Log: logger, Now: time.Now, ShutdownTimeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	metrics := listen(t)
	return background(t, "the server", func(ctx context.Context) error {
		defer db.Close()
		return srv.Serve(ctx, authserver.Listeners{Endpoints: at, Metrics: metrics})
	})
}

// background runs something until stop is called or the test ends.
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
		case <-time.After(30 * time.Second):
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
