package oauthclient

import (
	"context"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/condcheck"
	"clientele.dev/clientele/controllers/internal/rules"
	"clientele.dev/clientele/controllers/internal/written"
	"clientele.dev/clientele/controllers/registrar"
	"clientele.dev/clientele/hack/testenv"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.WithControllerManager()) }

// world is a cluster with one authorization server behind a proxy that fails as
// it is told, and one app namespace.
type world struct {
	t      *testing.T
	server *authtest.Server
	proxy  *proxy
	clock  *authtest.Clock
	// system is the operator's namespace, app a team's.
	system, app string
	// kube writes past every cache.
	kube client.WithWatch
	// writes counts what operators write to the API server.
	writes atomic.Int64
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: authtest.NewClock(), kube: testenv.Client(t, v1alpha1.AddToScheme)}
	w.server = authtest.Start(t, authtest.Config{})
	w.proxy = newProxy(t, w.server.URL)
	w.system, w.app = testenv.Namespace(t), testenv.Namespace(t)
	w.create(w.authorizationServer())
	w.create(w.access())
	return w
}

// registered is a world with one operator and the OAuthClient "app", registered and
// at rest.
func registered(t *testing.T, change ...func(*v1alpha1.OAuthClient)) (*world, *operator, *v1alpha1.OAuthClient) {
	t.Helper()
	w := newWorld(t)
	op := w.operator()
	oac := w.oauthClient("app", change...)
	op.settle(keyOf(oac))
	return w, op, oac
}

func (w *world) authorizationServer() *v1alpha1.AuthorizationServer {
	as := &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: "default"}}
	as.Spec.Issuer = w.server.Issuer
	as.Spec.Type = v1alpha1.AuthorizationServerUnmanaged
	as.Spec.Unmanaged = &v1alpha1.UnmanagedServer{URL: w.proxy.URL}
	return as
}

// access lets every namespace have OAuthClients with any redirect host.
func (w *world) access() *v1alpha1.NamespaceAccess {
	o := &v1alpha1.NamespaceAccess{ObjectMeta: metav1.ObjectMeta{Namespace: w.system, Name: "teams"}}
	o.Spec.Namespaces.From = v1alpha1.NamespacesFromAll
	o.Spec.Clients = &v1alpha1.ClientAccess{RedirectHosts: []string{"*"}}
	return o
}

// allow changes what every namespace may have; nil: no OAuthClients.
func (w *world) allow(clients *v1alpha1.ClientAccess) {
	w.t.Helper()
	o := w.access()
	w.edit(o, func() { o.Spec.Clients = clients })
}

// rewire makes a new, empty server the one behind the proxy: the database was
// wiped. The issuer stays.
func (w *world) wipe() {
	w.t.Helper()
	fresh := authtest.Start(w.t, authtest.Config{Settings: w.server.Settings})
	w.server = fresh
	w.proxy.target(fresh.URL)
}

func (w *world) create(o client.Object) {
	w.t.Helper()
	must(w.t, w.kube.Create(w.t.Context(), o))
}

// oauthClient makes an OAuthClient in the app namespace.
func (w *world) oauthClient(name string, change ...func(*v1alpha1.OAuthClient)) *v1alpha1.OAuthClient {
	w.t.Helper()
	oac := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: w.app, Name: name}}
	for _, f := range change {
		f(oac)
	}
	w.create(oac)
	return oac
}

// edit changes an object as a person would.
func (w *world) edit(o client.Object, change func()) {
	w.t.Helper()
	must(w.t, w.kube.Get(w.t.Context(), client.ObjectKeyFromObject(o), o))
	change()
	must(w.t, w.kube.Update(w.t.Context(), o))
}

func (w *world) delete(o client.Object) {
	w.t.Helper()
	must(w.t, w.kube.Delete(w.t.Context(), o))
}

// operator is one running operator: its own cache, its own view of the server.
type operator struct {
	*world
	*Reconciler
	cache  client.Reader
	client client.Client
	faults *faults
}

// patient is how long an operator waits for an answer of the server: far longer
// than any that comes.
const patient = time.Minute

// operator starts one. It runs until the test ends.
func (w *world) operator() *operator {
	w.t.Helper()
	return w.operatorFor(w.everyRight(), patient)
}

// everyRight is a configuration whose writes are counted.
func (w *world) everyRight() *rest.Config {
	config := testenv.Config()
	config.QPS = -1
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return &counter{next: next, writes: &w.writes} })
	return config
}

func (w *world) operatorFor(config *rest.Config, patience time.Duration) *operator {
	t := w.t
	t.Helper()
	scheme := testenv.Scheme(t, v1alpha1.AddToScheme)
	c, err := cache.New(config, cache.Options{Scheme: scheme, DefaultTransform: cache.TransformStripManagedFields(), ByObject: map[client.Object]cache.ByObject{
		&corev1.Secret{}: {Label: hasLabel(t, v1alpha1.LabelSecretKind)},
	}})
	must(t, err)
	cl, err := client.New(config, client.Options{Scheme: scheme, Cache: &client.CacheOptions{Reader: c}})
	must(t, err)
	live, err := client.New(config, client.Options{Scheme: scheme})
	must(t, err)
	op := &operator{world: w, cache: c, client: cl, faults: &faults{}}
	servers := registrar.NewServers(registrar.Options{Tokens: fixedToken{}, Now: w.clock.Now, Log: logr.Discard(), Timeout: patience})
	op.Reconciler = New(Options{
		Client: written.New(cl, w.clock.Now), Live: live, Servers: servers, Recorder: recorder(t, config), Operator: rules.Operator{Namespace: w.system, ServerNamespaces: []string{w.system}, ClaimDefault: true}, Audiences: audiences,
		Now: w.clock.Now, Faults: op.faults.at,
	})
	must(t, op.AddIndexes(t.Context(), c))
	for _, kind := range []client.Object{&v1alpha1.AuthorizationServer{}, &v1alpha1.OAuthClient{}, &v1alpha1.ScopePolicy{}, &v1alpha1.NamespaceAccess{}, &corev1.Secret{}, &corev1.Namespace{}} {
		_, err := c.GetInformer(t.Context(), kind, cache.BlockUntilSynced(false))
		must(t, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Start(ctx) }()
	t.Cleanup(func() { stop(); must(t, <-done) })
	if !c.WaitForCacheSync(ctx) {
		t.Fatal("the cache did not fill")
	}
	return op
}

// sync reads the inventory as the loop would.
func (op *operator) sync() error {
	op.t.Helper()
	op.catchUpCache()
	var as v1alpha1.AuthorizationServer
	must(op.t, op.cache.Get(op.t.Context(), types.NamespacedName{Namespace: op.system, Name: "default"}, &as))
	return op.Servers.For(&as).Sync(op.t.Context())
}

// catchUpCache waits until the cache has what the API server had when it was
// called, by way of objects that are changed last.
func (op *operator) catchUpCache() {
	op.t.Helper()
	for _, kind := range []client.ObjectList{&v1alpha1.AuthorizationServerList{}, &v1alpha1.OAuthClientList{}, &corev1.SecretList{}, &corev1.NamespaceList{}, &v1alpha1.ScopePolicyList{}, &v1alpha1.NamespaceAccessList{}} {
		op.catchUpKind(kind)
	}
	// As the events would: what was written is in the cache, or deleted.
	op.Reconciler.Client = written.New(op.client, op.clock.Now)
}

func (op *operator) catchUpKind(list client.ObjectList) {
	op.t.Helper()
	opts := []client.ListOption{}
	if _, secrets := list.(*corev1.SecretList); secrets {
		opts = append(opts, client.HasLabels{v1alpha1.LabelSecretKind})
	}
	eventually(op.t, "the cache catches up", func() bool {
		// Read anew each time: namespaces of earlier tests are being collected.
		live := list.DeepCopyObject().(client.ObjectList)
		must(op.t, op.kube.List(op.t.Context(), live, opts...))
		want := versions(op.t, live)
		have := list.DeepCopyObject().(client.ObjectList)
		must(op.t, op.cache.List(op.t.Context(), have))
		return covers(versions(op.t, have), want)
	})
}

// run reconciles an OAuthClient once, with the cache caught up.
func (op *operator) run(key types.NamespacedName) reconcile.Result {
	op.t.Helper()
	result, err := op.tryRun(key)
	must(op.t, err)
	return result
}

func (op *operator) tryRun(key types.NamespacedName) (reconcile.Result, error) {
	op.t.Helper()
	op.catchUpCache()
	return op.Reconcile(op.t.Context(), reconcile.Request{NamespacedName: key})
}

// settle syncs, and reconciles until nothing more is asked for within a second.
func (op *operator) settle(key types.NamespacedName) {
	op.t.Helper()
	must(op.t, op.sync())
	for range 20 {
		if d := op.run(key).RequeueAfter; d == 0 || d > time.Second {
			return
		}
	}
	op.t.Fatalf("%s does not come to rest", key)
}

// settleAccepted settles an OAuthClient, which the server then accepts.
func (op *operator) settleAccepted(oac *v1alpha1.OAuthClient) {
	op.t.Helper()
	op.settle(keyOf(oac))
	op.wantAccepted(oac)
}

// gone settles an OAuthClient that is gone, past the age that the brake wants.
func (op *operator) gone(key types.NamespacedName) {
	op.t.Helper()
	must(op.t, op.sync())
	op.run(key)
	op.clock.Advance(brakeAge)
	op.settle(key)
}

// startGone takes two steps towards deregistration and does not wait for its end.
func (op *operator) startGone(key types.NamespacedName) {
	op.t.Helper()
	op.run(key)
	op.clock.Advance(brakeAge)
	op.run(key)
}

const brakeAge = 3 * time.Second

// get reads an OAuthClient past the cache, and holds its status against the
// rules of conditions.
func (w *world) get(key types.NamespacedName) *v1alpha1.OAuthClient {
	w.t.Helper()
	var oac v1alpha1.OAuthClient
	must(w.t, w.kube.Get(w.t.Context(), key, &oac))
	for _, err := range condcheck.Check(oac.Generation, oac.Status.ObservedGeneration, oac.Status.Conditions) {
		w.t.Errorf("status of %s: %v", key, err)
	}
	return &oac
}

// wantReady checks the condition Ready.
func (w *world) wantReady(key types.NamespacedName, status metav1.ConditionStatus, reason string) metav1.Condition {
	w.t.Helper()
	c := meta.FindStatusCondition(w.get(key).Status.Conditions, v1alpha1.ConditionReady)
	if c == nil || c.Status != status || c.Reason != reason {
		w.t.Fatalf("Ready of %s is %+v, want %s %s", key, c, status, reason)
	}
	return *c
}

func (w *world) wantAccepted(oac *v1alpha1.OAuthClient) {
	w.t.Helper()
	w.wantReady(keyOf(oac), metav1.ConditionTrue, v1alpha1.ReasonAccepted)
}

// secret reads a Secret past the cache; nil if there is none.
func (w *world) secret(namespace, name string) *corev1.Secret {
	w.t.Helper()
	var s corev1.Secret
	err := w.kube.Get(w.t.Context(), types.NamespacedName{Namespace: namespace, Name: name}, &s)
	if client.IgnoreNotFound(err) != nil {
		w.t.Fatal(err)
	}
	if err != nil {
		return nil
	}
	return &s
}

// credentials reads the credentials Secret of an OAuthClient.
func (w *world) credentials(name string) authtest.Client {
	w.t.Helper()
	s := w.secret(w.app, name+"-oauth")
	if s == nil {
		w.t.Fatalf("there is no Secret %s-oauth", name)
	}
	c := authtest.Client{Secret: credential.Secret(s.Data["client_secret"])}
	c.Registration.ClientID = string(s.Data["client_id"])
	c.Registration.TokenEndpointAuthMethod = oauth.AuthClientSecretBasic
	return c
}

// wantToken asks for a token with credentials.
func (w *world) wantToken(c authtest.Client, status int) {
	w.t.Helper()
	if a := w.server.Token(w.t, c); a.Status != status {
		w.t.Fatalf("token for %s: %d %s, want %d", c.Registration.ClientID, a.Status, a.Body, status)
	}
}

// wantOne says that the server holds exactly one client of the world.
func (w *world) wantClients(n int) {
	w.t.Helper()
	var i oauth.Inventory
	a := w.server.SendText(w.t, http.MethodGet, "/registrar/v1/inventory", authtest.RegistrarToken, "")
	must(w.t, json.Unmarshal([]byte(a.Body), &i))
	if len(i.Clients) != n {
		w.t.Fatalf("the server holds %d clients, want %d: %+v", len(i.Clients), n, i.Clients)
	}
}

func (w *world) records() []corev1.Secret {
	w.t.Helper()
	var list corev1.SecretList
	must(w.t, w.kube.List(w.t.Context(), &list, client.InNamespace(w.system), client.MatchingLabels{v1alpha1.LabelSecretKind: v1alpha1.SecretKindRegistration}))
	return list.Items
}

// fixedToken is what the authorization server of the tests knows.
type fixedToken struct{}

func (fixedToken) Token(context.Context, string) (string, time.Time, error) {
	return authtest.RegistrarToken, time.Now().Add(time.Hour), nil
}

// audiences stands in for what the API server says of itself.
func audiences(context.Context) ([]string, error) {
	return []string{"https://api.cluster.example"}, nil
}
