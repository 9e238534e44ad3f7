package desk

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/spf13/cobra"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/kube"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/sqlite"
	"clientele.dev/clientele/hack/testenv"
)

const system = "clientele-system"

func TestMain(m *testing.M) { testenv.Main(m) }

// world is an authorization server of the API server's objects, with open
// registration.
type world struct {
	*authtest.Server
	store store.Store
	// flows is the store as the server writes to it.
	flows store.Flows
	admin client.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{admin: testenv.Client(t, v1alpha1.AddToScheme)}
	adapter, err := kube.New(kube.Options{
		Config: testenv.ServiceAccountConfig(t, system, "clientele-server"), Namespace: system, Name: "default",
		Outbound: http.DefaultClient, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	must(t, err)
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir(), Now: time.Now})
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	users := &signin.Local{}
	users.Set(nil)
	server, err := authserver.New(authserver.Options{Store: db, Source: adapter, Registrars: adapter, Users: users, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	must(t, err)
	listener := httptest.NewUnstartedServer(nil).Listener
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, authserver.Listeners{Endpoints: listener}) }()
	t.Cleanup(func() {
		stop()
		must(t, <-done)
	})
	w.store = db
	w.Server = &authtest.Server{Server: server, URL: "http://" + listener.Addr().String(), Users: users}
	w.createObjects(t)
	testenv.Eventually(t, "ready", func() bool { return w.Do(t, http.MethodGet, "/readyz", "").Status == http.StatusOK })
	return w
}

func (w *world) createObjects(t *testing.T) {
	t.Helper()
	signing, err := authtest.SigningKeys(t, time.Now(), keys.ES256).Marshal()
	must(t, err)
	serverKeys, err := credential.NewServerKeys(time.Now())
	must(t, err)
	text, err := serverKeys.Marshal()
	must(t, err)
	w.flows = w.store
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: system, Name: name} }
	as := &v1alpha1.AuthorizationServer{ObjectMeta: meta("default")}
	as.Spec.Issuer, as.Spec.Type, as.Spec.Unmanaged = w.URL, v1alpha1.AuthorizationServerUnmanaged, &v1alpha1.UnmanagedServer{}
	as.Spec.Registration.Mode = v1alpha1.RegistrationOpen
	w.create(t, as)
	w.create(t, &corev1.Secret{ObjectMeta: meta(v1alpha1.SigningKeysSecretName("default")), Data: map[string][]byte{v1alpha1.SigningKeysKey: signing}})
	w.create(t, &corev1.Secret{ObjectMeta: meta(v1alpha1.ServerKeysSecretName("default")), Data: map[string][]byte{v1alpha1.ServerKeysKey: text}})
}

func (w *world) create(t *testing.T, o client.Object) {
	t.Helper()
	must(t, w.admin.Create(t.Context(), o))
	t.Cleanup(func() { must(t, client.IgnoreNotFound(w.admin.Delete(context.Background(), o))) })
}

// register registers a client as anybody may, and returns its id.
func (w *world) register(t *testing.T, body string) string {
	t.Helper()
	a := w.SendText(t, http.MethodPost, "/oauth/register", "", body)
	if a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	return a.Member("client_id")
}

// person is a ServiceAccount that stands for somebody with a kubeconfig. Any role lets
// them read the AuthorizationServer.
func (w *world) person(t *testing.T, role rbacv1.RoleRef) *rest.Config {
	t.Helper()
	ns := testenv.Namespace(t)
	testenv.ServiceAccount(t, ns, "pat")
	if role.Name != "" {
		w.create(t, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: role.Name + "-" + ns},
			RoleRef:    role,
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: ns, Name: "pat"}},
		})
		testenv.Allowed(t, "system:serviceaccount:"+ns+":pat", authorizationv1.ResourceAttributes{
			Namespace: system, Verb: "get", Group: v1alpha1.GroupVersion.Group, Resource: "authorizationservers", Name: "default",
		})
	}
	return testenv.ServiceAccountConfig(t, ns, "pat")
}

// run runs the command and returns what it wrote.
func run(t *testing.T, config *rest.Config, args ...string) (out, notes string, err error) {
	t.Helper()
	return runCommand(t, SelfRegistered, config, args...)
}

func runCommand(t *testing.T, command func(Options) *cobra.Command, config *rest.Config, args ...string) (out, notes string, err error) {
	t.Helper()
	cmd := command(Options{Now: time.Now, UserAgent: "test"})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var stdout, stderr bytes.Buffer
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SetArgs(append(args, "--kubeconfig", testenv.Kubeconfig(t, config)))
	err = cmd.ExecuteContext(t.Context())
	return stdout.String(), stderr.String(), err
}

func mustRun(t *testing.T, config *rest.Config, args ...string) string {
	t.Helper()
	out, notes, err := run(t, config, args...)
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, out, notes)
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
