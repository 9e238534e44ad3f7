package managed

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/hack/testenv"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestMain(m *testing.M) { testenv.Main(m, testenv.WithControllerManager()) }

// bench is a Reconciler on a real API server, with a clock that the test moves.
type bench struct {
	*Reconciler
	client   client.Client
	server   *v1alpha1.AuthorizationServer
	recorder *events.FakeRecorder
	now      time.Time
}

// newBench makes an AuthorizationServer of type Managed.
func newBench(t *testing.T, m v1alpha1.ManagedServer) *bench {
	t.Helper()
	b := &bench{
		client: testenv.Client(t, v1alpha1.AddToScheme, AddToScheme), recorder: events.NewFakeRecorder(100),
		now: time.Now().Truncate(time.Second),
	}
	ns := testenv.Namespace(t)
	b.server = &v1alpha1.AuthorizationServer{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "default"},
		Spec: v1alpha1.AuthorizationServerSpec{
			Issuer: "https://clientele-default." + ns + ".svc", Type: v1alpha1.AuthorizationServerManaged, Managed: &m,
		},
	}
	b.create(t, b.server)
	b.restart()
	return b
}

// labelled sees what the operator's cache sees: nothing without our labels.
type labelled struct{ client.Client }

func (l labelled) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	err := l.Client.Get(ctx, key, obj, opts...)
	label := v1alpha1.LabelName
	switch obj.(type) {
	case *corev1.Namespace, *v1alpha1.AuthorizationServer:
		return err
	case *corev1.Secret:
		label = v1alpha1.LabelSecretKind
	}
	if err == nil && obj.GetLabels()[label] == "" {
		return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
	}
	return err
}

// restart makes a Reconciler that remembers nothing.
func (b *bench) restart() {
	b.Reconciler = New(Options{
		Client: labelled{b.client}, Live: b.client, Recorder: b.recorder, States: NewStates(),
		Namespace: b.server.Namespace, Namespaces: []string{b.server.Namespace},
		Image: "clientele.dev/clientele:test", Rand: keys.Rand(), Now: func() time.Time { return b.now },
	})
}

func (b *bench) create(t *testing.T, o client.Object) {
	t.Helper()
	if err := b.client.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// reconcile carries out one pass and returns what it saw.
func (b *bench) reconcile(t *testing.T) State {
	t.Helper()
	key := client.ObjectKeyFromObject(b.server)
	if _, err := b.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
		t.Fatal(err)
	}
	s, _ := b.States.Get(key)
	return s
}

// settle carries out passes until nothing is written any more.
func (b *bench) settle(t *testing.T) State {
	t.Helper()
	for range 10 {
		before := b.versions(t)
		s := b.reconcile(t)
		if b.versions(t) == before {
			return s
		}
		b.now = b.now.Add(2 * time.Second)
	}
	t.Fatal("every pass writes something")
	return State{}
}

// versions are the resource versions of everything that a server consists of.
func (b *bench) versions(t *testing.T) string {
	t.Helper()
	var out []string
	for _, o := range b.all(t) {
		out = append(out, fmt.Sprintf("%T %s %s", o, o.GetName(), o.GetResourceVersion()))
	}
	return strings.Join(out, "\n")
}

// all objects with our labels.
func (b *bench) all(t *testing.T) (all []client.Object) {
	t.Helper()
	for _, list := range owned() {
		if err := b.client.List(t.Context(), list, client.InNamespace(b.server.Namespace), client.MatchingLabels(labelsOf("default"))); err != nil {
			t.Fatal(err)
		}
		each(t, list, func(o client.Object) { all = append(all, o) })
	}
	return all
}

// get reads an object anew.
func (b *bench) get(t *testing.T, name string, o client.Object) bool {
	t.Helper()
	err := b.client.Get(t.Context(), client.ObjectKey{Namespace: b.server.Namespace, Name: name}, o)
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	return !apierrors.IsNotFound(err)
}

// must reads an object that has to be there.
func (b *bench) must(t *testing.T, name string, o client.Object) {
	t.Helper()
	if !b.get(t, name, o) {
		t.Fatalf("there is no %T %s", o, name)
	}
}

// patch changes an object as the manager `person`.
func (b *bench) patch(t *testing.T, o client.Object, merge string) {
	t.Helper()
	if err := b.client.Patch(t.Context(), o, client.RawPatch("application/merge-patch+json", []byte(merge)), client.FieldOwner("person")); err != nil {
		t.Fatal(err)
	}
}

// change changes the AuthorizationServer's spec.
func (b *bench) change(t *testing.T, f func(*v1alpha1.AuthorizationServerSpec)) {
	t.Helper()
	b.must(t, "default", b.server)
	f(&b.server.Spec)
	if err := b.client.Update(t.Context(), b.server); err != nil {
		t.Fatal(err)
	}
}

// told are the events since the last call.
func (b *bench) told() (all []string) {
	for {
		select {
		case e := <-b.recorder.Events:
			all = append(all, e)
		default:
			return all
		}
	}
}

func postgres(replicas *int32) v1alpha1.ManagedServer {
	return v1alpha1.ManagedServer{Replicas: replicas, Storage: v1alpha1.ManagedStorage{
		Type: v1alpha1.StoragePostgres, Postgres: &v1alpha1.PostgresStorage{DSNSecretRef: v1alpha1.SecretKeyReference{Name: "db"}},
	}}
}

func claimed() v1alpha1.ManagedServer {
	return v1alpha1.ManagedServer{Storage: v1alpha1.ManagedStorage{
		Type: v1alpha1.StorageEmbedded, Embedded: &v1alpha1.EmbeddedStorage{VolumeClaim: &v1alpha1.VolumeClaim{Size: "1Gi"}},
	}}
}
