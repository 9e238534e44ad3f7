package check

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/kube"
	"clientele.dev/clientele/authserver/store/sqlite"
	"clientele.dev/clientele/controllers"
	"clientele.dev/clientele/hack/testenv"
)

const system = "clientele-system"

func TestMain(m *testing.M) { testenv.Main(m) }

// world is an installation: an operator and an authorization server with TLS, each with
// the rights of config/install.yaml, and the objects of the operator's Deployment. There is no
// kubelet: what it would write, the test does.
type world struct {
	admin client.WithWatch
	ca    authority
	// certificate that the server shows.
	certificate atomic.Pointer[tls.Certificate]
	issuer      string
	stopServer  func()
	ns          string // an app's
	// caller may do what ClusterRole clientele-check permits, and read Secrets in ns.
	caller *rest.Config
}

// newWorld makes all objects, and starts nothing.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{admin: testenv.Client(t, v1alpha1.AddToScheme), ns: testenv.Namespace(t), ca: newAuthority(t)}
	w.certificate.Store(w.ca.certificate(t, "localhost", time.Now().Add(90*24*time.Hour)))
	w.create(t, &corev1.ConfigMap{ObjectMeta: in(system, "server-ca"), Data: map[string]string{"ca.crt": string(w.ca.pem)}})
	w.deployment(t)
	w.caller = w.person(t, "clientele-check", "clientele-check")
	return w
}

// running is a world in which everything runs, with an OAuthClient that is registered.
func running(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.startServer(t)
	w.startOperator(t)
	oac := w.oauthClient()
	w.create(t, oac)
	w.await(t, oac, v1alpha1.ReasonAccepted)
	w.await(t, w.authorizationServer(), v1alpha1.ReasonServing)
	return w
}

func in(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func (w *world) authorizationServer() *v1alpha1.AuthorizationServer {
	return &v1alpha1.AuthorizationServer{
		ObjectMeta: in(system, "default"),
		Spec: v1alpha1.AuthorizationServerSpec{
			Issuer: w.issuer, Type: v1alpha1.AuthorizationServerUnmanaged,
			Unmanaged: &v1alpha1.UnmanagedServer{CABundleRef: &v1alpha1.CABundleReference{Kind: v1alpha1.CABundleConfigMap, Name: "server-ca"}},
		},
	}
}

func (w *world) oauthClient() *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{ObjectMeta: in(w.ns, "checkout")}
}

// create makes an object and takes it away when the test ends.
func (w *world) create(t *testing.T, o client.Object) {
	t.Helper()
	must(t, w.admin.Create(t.Context(), o))
	t.Cleanup(func() { w.remove(t, o) })
}

func (w *world) remove(t *testing.T, o client.Object) {
	t.Helper()
	o.SetFinalizers(nil)
	must(t, client.IgnoreNotFound(w.admin.Delete(context.Background(), o)))
}

// change reads an object, changes it and writes it back, also when the test has ended.
func change[T client.Object](t *testing.T, w *world, o T, do func(T)) {
	t.Helper()
	testenv.Eventually(t, "an object is changed", func() bool {
		must(t, w.admin.Get(context.Background(), client.ObjectKeyFromObject(o), o))
		do(o)
		return w.admin.Update(context.Background(), o) == nil
	})
}

// changeStatus is change for the status.
func changeStatus[T client.Object](t *testing.T, w *world, o T, do func(T)) {
	t.Helper()
	testenv.Eventually(t, "a status is changed", func() bool {
		must(t, w.admin.Get(context.Background(), client.ObjectKeyFromObject(o), o))
		do(o)
		return w.admin.Status().Update(context.Background(), o) == nil
	})
}

// await waits until an object's Ready has a reason.
func (w *world) await(t *testing.T, o client.Object, reason string) {
	t.Helper()
	testenv.Eventually(t, o.GetName()+" is "+reason, func() bool {
		must(t, w.admin.Get(t.Context(), client.ObjectKeyFromObject(o), o))
		var conditions []metav1.Condition
		switch o := o.(type) {
		case *v1alpha1.AuthorizationServer:
			conditions = o.Status.Conditions
		case *v1alpha1.OAuthClient:
			conditions = o.Status.Conditions
		}
		ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
		return ready != nil && ready.Reason == reason
	})
}

var operatorLabels = map[string]string{"app.kubernetes.io/name": "clientele", "app.kubernetes.io/component": "operator"}

// deployment makes the operator's Deployment, with a Pod that is ready.
func (w *world) deployment(t *testing.T) {
	t.Helper()
	containers := []corev1.Container{{Name: "operator", Image: "clientele.dev/clientele:0.1.0", Args: []string{"manager"}}}
	w.create(t, &appsv1.Deployment{
		ObjectMeta: in(system, "clientele-operator"),
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: operatorLabels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: operatorLabels}, Spec: corev1.PodSpec{Containers: containers}},
		},
	})
	w.pod(t, "clientele-operator-1", operatorLabels, ready)
}

// pod makes a Pod as the kubelet would report it.
func (w *world) pod(t *testing.T, name string, labels map[string]string, status corev1.PodStatus) *corev1.Pod {
	t.Helper()
	p := &corev1.Pod{
		ObjectMeta: in(system, name),
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(0)),
			AutomountServiceAccountToken:  new(false),
			Containers:                    []corev1.Container{{Name: "main", Image: "clientele.dev/clientele:0.1.0"}},
			SecurityContext:               &corev1.PodSecurityContext{RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		},
	}
	p.Labels = labels
	p.Spec.Containers[0].SecurityContext = &corev1.SecurityContext{AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}
	w.serviceAccount(t)
	w.create(t, p)
	changeStatus(t, w, p, func(p *corev1.Pod) { p.Status = status })
	return p
}

// serviceAccount makes the one that Pods have by default; kube-controller-manager would.
func (w *world) serviceAccount(t *testing.T) {
	t.Helper()
	sa := &corev1.ServiceAccount{ObjectMeta: in(system, "default")}
	if err := w.admin.Create(t.Context(), sa); err == nil {
		t.Cleanup(func() { w.remove(t, sa) })
	}
}

var ready = corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}

// waiting is the status of a Pod whose container waits.
func waiting(reason, message string, last *corev1.ContainerStateTerminated, restarts int32) corev1.PodStatus {
	return corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "main", RestartCount: restarts, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
		LastTerminationState: corev1.ContainerState{Terminated: last},
	}}}
}

// lease makes the operator's Lease, where no operator runs that would.
func (w *world) lease(t *testing.T, holder string, renewed time.Time) {
	t.Helper()
	l := &coordinationv1.Lease{ObjectMeta: in(system, leaseName)}
	w.remove(t, l)
	l = &coordinationv1.Lease{ObjectMeta: in(system, leaseName), Spec: coordinationv1.LeaseSpec{HolderIdentity: &holder, RenewTime: &metav1.MicroTime{Time: renewed}}}
	w.create(t, l)
}

// person is a ServiceAccount that stands for a caller, with the rights of a ClusterRole,
// and of Roles in the server's namespace.
func (w *world) person(t *testing.T, role string, roles ...string) *rest.Config {
	t.Helper()
	ns := testenv.Namespace(t)
	testenv.ServiceAccount(t, ns, "pat")
	subjects := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: "pat"}}
	if role != "" {
		w.create(t, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: ns}, RoleRef: rbacv1.RoleRef{Kind: "ClusterRole", Name: role}, Subjects: subjects})
		w.create(t, &rbacv1.Role{ObjectMeta: in(w.ns, ns), Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get"}}}})
		w.create(t, &rbacv1.RoleBinding{ObjectMeta: in(w.ns, ns), RoleRef: rbacv1.RoleRef{Kind: "Role", Name: ns}, Subjects: subjects})
		for _, role := range roles {
			w.create(t, &rbacv1.RoleBinding{ObjectMeta: in(system, ns), RoleRef: rbacv1.RoleRef{Kind: "Role", Name: role}, Subjects: subjects})
		}
		user := "system:serviceaccount:" + ns + ":pat"
		testenv.Allowed(t, user, authorizationv1.ResourceAttributes{Verb: "get", Resource: "secrets", Namespace: w.ns})
		testenv.Allowed(t, user, authorizationv1.ResourceAttributes{Verb: "list", Resource: "pods"})
	}
	return testenv.ServiceAccountConfig(t, ns, "pat")
}

// startServer starts the authorization server, and makes its AuthorizationServer.
func (w *world) startServer(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	_, number, err := net.SplitHostPort(listener.Addr().String())
	must(t, err)
	w.issuer = "https://localhost:" + number
	log := slog.New(slog.DiscardHandler)
	adapter, err := kube.New(kube.Options{
		Config: testenv.ServiceAccountConfig(t, system, "clientele-server"), Namespace: system, Name: "default",
		Outbound: http.DefaultClient, Log: log, Now: time.Now,
	})
	must(t, err)
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir(), Now: time.Now})
	must(t, err)
	srv, err := authserver.New(authserver.Options{
		Store: db, Source: adapter, Registrars: adapter, Users: adapter.Users(), Upstreams: adapter.Upstreams, Log: log, Now: time.Now,
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return w.certificate.Load(), nil },
	})
	must(t, err)
	w.stopServer = background(t, func(ctx context.Context) error {
		defer db.Close()
		return srv.Serve(ctx, authserver.Listeners{Endpoints: listener})
	})
	t.Cleanup(func() {
		w.remove(t, &corev1.Secret{ObjectMeta: in(system, v1alpha1.SigningKeysSecretName("default"))})
	})
	w.create(t, w.authorizationServer())
	w.create(t, &v1alpha1.NamespaceAccess{
		ObjectMeta: in(system, "teams"),
		Spec:       v1alpha1.NamespaceAccessSpec{Namespaces: v1alpha1.NamespaceGroup{From: v1alpha1.NamespacesFromAll}, Clients: &v1alpha1.ClientAccess{RedirectHosts: []string{"*"}}},
	})
}

func (w *world) startOperator(t *testing.T) (stop func()) {
	t.Helper()
	stop = background(t, func(ctx context.Context) error {
		return controllers.Run(ctx, controllers.Options{
			Config: testenv.ServiceAccountConfig(t, system, "clientele-operator"), Namespace: system, ServiceAccount: "clientele-operator",
			MetricsBindAddress: "0", HealthProbeBindAddress: "0", LeaderElect: true, ClaimDefault: true, Log: logr.Discard(), Now: time.Now,
		})
	})
	t.Cleanup(func() {
		stop()
		w.remove(t, &coordinationv1.Lease{ObjectMeta: in(system, leaseName)})
	})
	return stop
}

func background(t *testing.T, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// outcome of a run of the command.
type outcome struct {
	findings   []finding
	out, notes string
	code       int
}

// check runs `clientele check` as a caller.
func (w *world) check(t *testing.T, caller *rest.Config, args ...string) outcome {
	t.Helper()
	return w.checkAt(t, time.Now, caller, args...)
}

func (w *world) checkAt(t *testing.T, now func() time.Time, caller *rest.Config, args ...string) outcome {
	t.Helper()
	o := command(t, now, append([]string{"--kubeconfig", testenv.Kubeconfig(t, caller), "-o", "json"}, args...)...)
	if o.code == exitUsage {
		return o
	}
	var report struct {
		OK       bool
		Findings []finding
	}
	if err := json.Unmarshal([]byte(o.out), &report); err != nil {
		t.Fatalf("%v: %s%s", err, o.out, o.notes)
	}
	if report.OK != (o.code == 0) {
		t.Errorf("ok is %v with exit code %d", report.OK, o.code)
	}
	o.findings = report.Findings
	return o
}

// command runs `clientele check` with arguments.
func command(t *testing.T, now func() time.Time, args ...string) outcome {
	t.Helper()
	cmd := Command(Options{Now: now, UserAgent: "test", Version: "0.1.0"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out, notes bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&notes)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	o := outcome{out: out.String(), notes: notes.String()}
	if err != nil {
		o.notes += err.Error()
		o.code = 1
	}
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		o.code = coded.ExitCode()
	}
	return o
}

// text is all lines.
func (o outcome) text() string {
	var lines []string
	for _, f := range o.findings {
		lines = append(lines, f.String())
	}
	return strings.Join(append(lines, o.notes), "\n")
}

// has wants a line of one check, with all of its parts, in order.
func (o outcome) has(t *testing.T, check string, level level, parts ...string) {
	t.Helper()
	for _, f := range o.findings {
		rest, all := f.String(), f.Check == check && f.Level == level
		for _, part := range parts {
			var found bool
			if _, rest, found = strings.Cut(rest, part); !found {
				all = false
			}
		}
		if all {
			return
		}
	}
	t.Errorf("no %s of check %s with %q in\n%s", level, check, parts, o.text())
}

// fails wants nothing but certain checks to fail, or none.
func (o outcome) fails(t *testing.T, code int, checks ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d:\n%s", o.code, code, o.text())
	}
	failing := map[string]bool{}
	for _, f := range o.findings {
		if f.Level == fail {
			failing[f.Check] = true
		}
		if f.Level != ok && f.Do == "" {
			t.Errorf("nothing to do about: %s", f)
		}
	}
	for _, c := range checks {
		if !failing[c] {
			t.Errorf("check %s does not fail:\n%s", c, o.text())
		}
		delete(failing, c)
	}
	for c := range failing {
		t.Errorf("check %s fails too:\n%s", c, o.text())
	}
}

// authority is a CA.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-365 * 24 * time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	cert, err := x509.ParseCertificate(der)
	must(t, err)
	return authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// certificate signs one for a host, which began half a year ago.
func (a authority) certificate(t *testing.T, host string, until time.Time) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{host}, NotBefore: time.Now().Add(-180 * 24 * time.Hour), NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	must(t, err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
