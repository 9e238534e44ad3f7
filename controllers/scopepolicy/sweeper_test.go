package scopepolicy

import (
	"context"
	"errors"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/controllers/internal/rules"
	"clientele.dev/clientele/controllers/registrar"
	"clientele.dev/clientele/hack/testenv"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// emptyCache is a cache that has lost everything.
type emptyCache struct{ client.Client }

func (emptyCache) List(context.Context, client.ObjectList, ...client.ListOption) error { return nil }

// failing is an API server that answers no list.
type failing struct{ client.Reader }

func (failing) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("no kind ScopePolicy is known")
}

type registrarToken struct{}

func (registrarToken) Token(context.Context, string) (string, time.Time, error) {
	return authtest.RegistrarToken, time.Now().Add(time.Hour), nil
}

// F19: nothing is taken out of force but what the API server itself says is gone.
func TestF19SweeperAsksTheAPIServer(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	as := &v1alpha1.AuthorizationServer{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "default", UID: "uid"}}
	as.Spec.Issuer = authtest.Start(t, authtest.Config{}).Issuer
	servers := registrar.NewServers(registrar.Options{Tokens: registrarToken{}, Now: time.Now})
	server := servers.For(as)
	if err := server.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	sp := &v1alpha1.ScopePolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: testenv.Namespace(t), Name: "p"},
		Spec:       v1alpha1.ScopePolicySpec{Resource: orders, Scopes: []v1alpha1.ScopeDeclaration{{Name: "read"}}},
	}
	if err := c.Create(t.Context(), sp); err != nil {
		t.Fatal(err)
	}
	if err := server.PutPolicy(t.Context(), rules.Policy(sp)); err != nil {
		t.Fatal(err)
	}
	sweep := func(live client.Reader) (held bool, err error) {
		s := NewSweeper(Options{Client: emptyCache{c}, Live: live, Servers: servers, Operator: rules.Operator{Namespace: "system", ServerNamespaces: []string{"system"}, ClaimDefault: true}})
		_, err = s.Reconcile(t.Context(), ctrl.Request{NamespacedName: server.Key()})
		_, held = server.Inventory().Policy(string(sp.UID))
		return held, err
	}
	if held, err := sweep(c); !held || err != nil {
		t.Errorf("with an empty cache: held = %v, %v; want it held", held, err)
	}
	if held, err := sweep(failing{}); !held || err == nil {
		t.Errorf("with an API server that fails: held = %v, %v; want it held and an error", held, err)
	}
	if err := c.Delete(t.Context(), sp); err != nil {
		t.Fatal(err)
	}
	if held, err := sweep(c); held || err != nil {
		t.Errorf("when it is gone: held = %v, %v; want it taken out", held, err)
	}
	if err := server.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, held := server.Inventory().Policy(string(sp.UID)); held {
		t.Error("the server still holds it")
	}
}

func TestAPIServerAudiencesAreFound(t *testing.T) {
	ns := testenv.Namespace(t)
	testenv.ServiceAccount(t, ns, "operator")
	now := epoch
	a := &APIServerAudiences{Client: testenv.Client(t), Namespace: ns, Name: "operator", Now: func() time.Time { return now }}
	got, err := a.Get(t.Context())
	if err != nil || len(got) == 0 || got[0] != "https://kubernetes.default.svc" {
		t.Fatalf("audiences = %v, %v", got, err)
	}
	a.Name = "gone" // what is known is not asked for again, until it is old
	if _, err := a.Get(t.Context()); err != nil {
		t.Error(err)
	}
	now = now.Add(2 * audiencesFor)
	if _, err := a.Get(t.Context()); err == nil {
		t.Error("audiences of two hours ago still count")
	}
}
