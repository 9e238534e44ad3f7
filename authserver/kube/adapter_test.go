package kube_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/kube"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/store/sqlite"
	"clientele.dev/clientele/hack/testenv"
)

const (
	system  = "clientele-system" // where config/install.yaml has the server's and the operator's rights
	name    = "default"
	issuer  = "https://issuer.example"
	patient = time.Minute
)

func TestMain(m *testing.M) { testenv.Main(m) }

// newAdapter runs as the server's ServiceAccount, with config/install.yaml's rights.
func newAdapter(t *testing.T, change ...func(*kube.Options)) *kube.Adapter {
	t.Helper()
	o := kube.Options{
		Config:    testenv.ServiceAccountConfig(t, system, "clientele-server"),
		Namespace: system,
		Name:      name,
		Outbound:  http.DefaultClient,
		Log:       slog.New(slog.DiscardHandler),
		Now:       time.Now,
	}
	for _, f := range change {
		f(&o)
	}
	a, err := kube.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// run delivers an adapter's snapshots until the test ends.
func run(t *testing.T, a *kube.Adapter) <-chan authserver.Snapshot {
	t.Helper()
	snapshots := make(chan authserver.Snapshot, 100)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, func(s authserver.Snapshot) { snapshots <- s }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return snapshots
}

// await returns the first snapshot that is as wanted.
func await(t *testing.T, snapshots <-chan authserver.Snapshot, what string, wanted func(authserver.Snapshot) bool) authserver.Snapshot {
	t.Helper()
	late := time.After(patient)
	var last authserver.Snapshot
	for {
		select {
		case last = <-snapshots:
			if wanted(last) {
				return last
			}
		case <-late:
			t.Fatalf("no snapshot with %s; the last one waits for %q", what, last.Waiting)
		}
	}
}

func waits(texts ...string) func(authserver.Snapshot) bool {
	return func(s authserver.Snapshot) bool {
		all := strings.Join(s.Waiting, "\n")
		for _, text := range texts {
			if !strings.Contains(all, text) {
				return false
			}
		}
		return true
	}
}

func complete(s authserver.Snapshot) bool {
	return s.Settings != nil && s.Signing != nil && s.ServerKeys != nil && len(s.Waiting) == 0
}

// objects are the three that a server is made of.
func objects(t *testing.T) (*v1alpha1.AuthorizationServer, *corev1.Secret, *corev1.Secret) {
	t.Helper()
	signing, err := authtest.SigningKeys(t, time.Now(), keys.ES256).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	serverKeys, err := credential.NewServerKeys(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	serverKeysText, err := serverKeys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	meta := func(n string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: system, Name: n} }
	return &v1alpha1.AuthorizationServer{
			ObjectMeta: meta(name),
			Spec:       v1alpha1.AuthorizationServerSpec{Issuer: issuer, Type: v1alpha1.AuthorizationServerUnmanaged, Unmanaged: &v1alpha1.UnmanagedServer{}},
		},
		&corev1.Secret{ObjectMeta: meta(v1alpha1.SigningKeysSecretName(name)), Data: map[string][]byte{v1alpha1.SigningKeysKey: signing}},
		&corev1.Secret{ObjectMeta: meta(v1alpha1.ServerKeysSecretName(name)), Data: map[string][]byte{v1alpha1.ServerKeysKey: serverKeysText}}
}

func create(t *testing.T, c client.Client, o client.Object) {
	t.Helper()
	if err := c.Create(t.Context(), o); err != nil {
		t.Fatalf("create %s: %v", o.GetName(), err)
	}
	t.Cleanup(func() {
		if err := c.Delete(context.Background(), o); client.IgnoreNotFound(err) != nil {
			t.Errorf("delete %s: %v", o.GetName(), err)
		}
	})
}

func TestSourceFollowsTheThreeObjects(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	snapshots := run(t, newAdapter(t))
	await(t, snapshots, "everything missing", waits(
		"AuthorizationServer "+system+"/default: it does not exist",
		"Secret "+system+"/default-signing-keys: it does not exist",
		"Secret "+system+"/default-server-keys: it does not exist"))

	server, signing, serverKeys := objects(t)
	create(t, c, server)
	create(t, c, signing)
	create(t, c, serverKeys)
	s := await(t, snapshots, "everything", complete)
	want := endpoint.Settings{Issuer: issuer, Algorithm: "ES256", IDTokenAlgorithm: "RS256", AccessTokenLifetime: 15 * time.Minute, JWKSMaxAge: 5 * time.Minute,
		CodeLifetime: time.Minute, RefreshLifetime: 720 * time.Hour, RefreshRetryWindow: 30 * time.Second, SessionLifetime: 12 * time.Hour,
		Registration: endpoint.RegistrationSettings{Mode: endpoint.RegistrationDisabled}}
	if !s.Settings.Equal(want) {
		t.Errorf("settings %+v, want %+v", *s.Settings, want)
	}

	server.Spec.Tokens.AccessTokenLifetime.Duration = 2 * time.Minute
	server.Spec.Tokens.SessionLifetime.Duration = time.Hour
	server.Spec.Tokens.SessionIdleLifetime = &metav1.Duration{Duration: 20 * time.Minute}
	if err := c.Update(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	await(t, snapshots, "the new lifetimes", func(s authserver.Snapshot) bool {
		return s.Settings != nil && s.Settings.AccessTokenLifetime == 2*time.Minute && s.Settings.SessionLifetime == time.Hour && s.Settings.SessionIdle == 20*time.Minute
	})

	// F28: corrupted, then deleted: told, and not delivered.
	planted := "planted-" + credential.NewClientSecret().Reveal()
	signing.Data[v1alpha1.SigningKeysKey] = []byte(`{"keys":["` + planted + `"]}`)
	if err := c.Update(t.Context(), signing); err != nil {
		t.Fatal(err)
	}
	s = await(t, snapshots, "a corrupted key Secret", waits("default-signing-keys, key keyset.json"))
	if s.Signing != nil || strings.Contains(strings.Join(s.Waiting, " "), planted) {
		t.Errorf("a corrupted key set: %v, told as %q", s.Signing, s.Waiting)
	}
	if err := c.Delete(t.Context(), signing); err != nil {
		t.Fatal(err)
	}
	await(t, snapshots, "a deleted key Secret", waits("default-signing-keys: it does not exist"))
}

func TestAuthorizeRegistrars(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	a := newAdapter(t)
	if _, err := a.Authorize(t.Context(), "x"); err == nil || errors.Is(err, oauth.InvalidToken("")) {
		t.Errorf("before the AuthorizationServer is known: %v, want a failure that is no answer", err)
	}
	server, _, _ := objects(t)
	create(t, c, server)
	await(t, run(t, a), "settings", func(s authserver.Snapshot) bool { return s.Settings != nil })
	audience := v1alpha1.RegistrarAudience(string(server.UID))

	var kubeSystem corev1.Namespace
	if err := c.Get(t.Context(), client.ObjectKey{Name: "kube-system"}, &kubeSystem); err != nil {
		t.Fatal(err)
	}
	ns := testenv.Namespace(t)
	testenv.ServiceAccount(t, ns, "tenant")
	testenv.ServiceAccount(t, ns, "developer")
	registrar := testenv.ServiceAccountToken(t, system, "clientele-operator", audience)

	for range 2 { // the second answer is remembered
		caller, err := a.Authorize(t.Context(), registrar)
		if err != nil || !caller.Manage || caller.Cluster != string(kubeSystem.UID) || caller.User != "system:serviceaccount:"+system+":clientele-operator" {
			t.Errorf("the operator: %+v, %v", caller, err)
		}
	}
	named := newAdapter(t, func(o *kube.Options) { o.ClusterID = "prod-1" })
	await(t, run(t, named), "settings", func(s authserver.Snapshot) bool { return s.Settings != nil })
	if caller, err := named.Authorize(t.Context(), registrar); err != nil || !caller.Manage || caller.Cluster != "prod-1" {
		t.Errorf("the operator, at a server with a cluster id: %+v, %v", caller, err)
	}
	caller, err := a.Authorize(t.Context(), testenv.ServiceAccountToken(t, ns, "tenant", audience))
	if err != nil || caller.Manage {
		t.Errorf("a ServiceAccount without the right: %+v, %v", caller, err)
	}
	if err != nil || caller.Register {
		t.Errorf("a ServiceAccount without the right: %+v, %v", caller, err)
	}
	mayRegister(t, c, ns, "developer")
	testenv.Eventually(t, "RBAC verb register lets register, and no more", func() bool {
		caller, err := a.Authorize(t.Context(), testenv.ServiceAccountToken(t, ns, "developer", audience))
		return err == nil && caller.Register && !caller.Manage
	})
	parts := strings.Split(registrar, ".")
	for rule, token := range map[string]string{
		"F32: the API server's audience":      testenv.ServiceAccountToken(t, system, "clientele-operator"),
		"F32: another AuthorizationServer's":  testenv.ServiceAccountToken(t, system, "clientele-operator", v1alpha1.RegistrarAudience("another")),
		"no JWT":                              "abc",
		"A13: without its signature":          parts[0] + "." + parts[1] + ".",
		"A13: with another token's signature": parts[0] + "." + parts[1] + "." + strings.Split(testenv.ServiceAccountToken(t, ns, "tenant", audience), ".")[2],
		"A13: truncated":                      registrar[:len(registrar)-4],
		"A7: alg none":                        "eyJhbGciOiJub25lIn0." + parts[1] + ".AA",
	} {
		if caller, err := a.Authorize(t.Context(), token); !errors.Is(err, oauth.InvalidToken("")) || caller.Manage {
			t.Errorf("%s: %+v, %v; want invalid_token", rule, caller, err)
		}
	}

	// F20: without the right to review, nothing is permitted and nothing is said
	// about the token.
	var bindings rbacv1.ClusterRoleBindingList
	if err := c.List(t.Context(), &bindings); err != nil {
		t.Fatal(err)
	}
	var restore []*rbacv1.ClusterRoleBinding
	for _, b := range bindings.Items {
		if b.RoleRef.Name != "clientele-server" && b.RoleRef.Name != "system:auth-delegator" {
			continue
		}
		if err := c.Delete(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		restore = append(restore, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: b.Name, Labels: b.Labels, Annotations: b.Annotations}, RoleRef: b.RoleRef, Subjects: b.Subjects})
	}
	reviewed := func() (endpoint.Caller, error) {
		return a.Authorize(t.Context(), testenv.ServiceAccountToken(t, system, "clientele-operator", audience))
	}
	defer func() {
		for _, b := range restore {
			if err := c.Create(t.Context(), b); err != nil {
				t.Error(err)
			}
		}
		testenv.Eventually(t, "the reviews work again, for the tests to come", func() bool {
			caller, err := reviewed()
			return err == nil && caller.Manage
		})
	}()
	testenv.Eventually(t, "the reviews fail", func() bool {
		caller, err := reviewed()
		return err != nil && !errors.Is(err, oauth.InvalidToken("")) && !caller.Manage
	})
}

// mayRegister gives a ServiceAccount RBAC verb register on the AuthorizationServer.
func mayRegister(t *testing.T, c client.Client, namespace, account string) {
	t.Helper()
	role := &rbacv1.Role{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: "register-" + namespace},
		Rules:      []rbacv1.PolicyRule{{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"authorizationservers"}, ResourceNames: []string{name}, Verbs: []string{kube.VerbRegister}}},
	}
	create(t, c, role)
	create(t, c, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: account}},
	})
}

func TestServerReadsNoOtherSecret(t *testing.T) {
	c := testenv.ClientFor(t, testenv.ServiceAccountConfig(t, system, "clientele-server"), v1alpha1.AddToScheme)
	for what, err := range map[string]error{
		"all Secrets":       c.List(t.Context(), &corev1.SecretList{}, client.InNamespace(system)),
		"a registration":    c.Get(t.Context(), client.ObjectKey{Namespace: system, Name: "oac-0123456789abcdef0123"}, &corev1.Secret{}),
		"another namespace": c.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "default-signing-keys"}, &corev1.Secret{}),
		"OAuthClients":      c.List(t.Context(), &v1alpha1.OAuthClientList{}),
		"all servers":       c.List(t.Context(), &v1alpha1.AuthorizationServerList{}, client.InNamespace(system)),
	} {
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s: %v, want Forbidden", what, err)
		}
	}
}

// realServer runs a server of the API server's objects.
func realServer(t *testing.T, change ...func(*v1alpha1.AuthorizationServer)) (*authtest.Server, *v1alpha1.AuthorizationServer) {
	t.Helper()
	c := testenv.Client(t, v1alpha1.AddToScheme)
	a := newAdapter(t)
	db, err := sqlite.Open(t.Context(), sqlite.Options{Dir: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s, err := authserver.New(authserver.Options{Store: db, Source: a, Registrars: a, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewUnstartedServer(nil)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, authserver.Listeners{Endpoints: h.Listener}) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	driver := &authtest.Server{Server: s, URL: "http://" + h.Listener.Addr().String()}
	server, signing, serverKeys := objects(t)
	for _, f := range change {
		f(server)
	}
	testenv.Eventually(t, "readyz tells what it waits for", func() bool {
		return strings.Contains(driver.Do(t, "GET", "/readyz", "").Body, "AuthorizationServer "+system+"/default: it does not exist")
	})
	create(t, c, server)
	create(t, c, signing)
	create(t, c, serverKeys)
	testenv.Eventually(t, "ready", func() bool { return driver.Do(t, "GET", "/readyz", "").Status == http.StatusOK })
	return driver, server
}

// TestServerWithARealAPIServer is the whole: objects, a registrar's token, a
// registration, a token.
func TestServerWithARealAPIServer(t *testing.T) {
	driver, server := realServer(t)
	registrar := testenv.ServiceAccountToken(t, system, "clientele-operator", v1alpha1.RegistrarAudience(string(server.UID)))
	client := authtest.NewClient("app")
	if a := driver.SendJSON(t, "POST", "/oauth/register", registrar, client.Registration); a.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", a.Status, a.Body)
	}
	driver.MustToken(t, client)
	if a := driver.SendJSON(t, "POST", "/oauth/register", testenv.ServiceAccountToken(t, system, "clientele-operator"), client.Registration); a.Status != http.StatusUnauthorized {
		t.Errorf("a token for the API server: %d %s", a.Status, a.Body)
	}
}
