package authorizationserver

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/controllers/managed"
	"clientele.dev/clientele/controllers/registrar"
	"clientele.dev/clientele/hack/testenv"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// labelled sees what the operator's cache sees: no Secret without its label.
type labelled struct{ client.Client }

func (l labelled) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	err := l.Client.Get(ctx, key, obj, opts...)
	if _, ok := obj.(*corev1.Secret); ok && err == nil && obj.GetLabels()[v1alpha1.LabelSecretKind] == "" {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	return err
}

type noTokens struct{}

func (noTokens) Token(context.Context, string) (string, time.Time, error) {
	return "", time.Time{}, errors.New("none in this test")
}

type bench struct {
	*Reconciler
	client client.Client
	server *v1alpha1.AuthorizationServer
}

// newBench makes an AuthorizationServer and a Reconciler on a real API server;
// namespaces are those that count, by default the AuthorizationServer's.
func newBench(t *testing.T, namespaces ...string) *bench {
	t.Helper()
	b := &bench{client: testenv.Client(t, v1alpha1.AddToScheme)}
	b.server = &v1alpha1.AuthorizationServer{
		ObjectMeta: metav1.ObjectMeta{Namespace: testenv.Namespace(t), Name: "default"},
		Spec: v1alpha1.AuthorizationServerSpec{
			Issuer: "https://as.example", Type: v1alpha1.AuthorizationServerUnmanaged, Unmanaged: &v1alpha1.UnmanagedServer{},
		},
	}
	if err := b.client.Create(t.Context(), b.server); err != nil {
		t.Fatal(err)
	}
	if len(namespaces) == 0 {
		namespaces = []string{b.server.Namespace}
	}
	b.Reconciler = New(Options{
		Client: labelled{b.client}, Live: b.client, Recorder: events.NewFakeRecorder(100), Namespaces: namespaces, Now: time.Now,
		Servers: registrar.NewServers(registrar.Options{Tokens: noTokens{}, Now: time.Now}), Managed: managed.NewStates(),
	})
	return b
}

func (b *bench) reconcile(t *testing.T) ctrl.Result {
	t.Helper()
	key := client.ObjectKeyFromObject(b.server)
	result, err := b.Reconcile(t.Context(), ctrl.Request{NamespacedName: key})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.client.Get(t.Context(), key, b.server); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	return result
}

func (b *bench) ready(t *testing.T) *metav1.Condition {
	t.Helper()
	c := meta.FindStatusCondition(b.server.Status.Conditions, v1alpha1.ConditionReady)
	if c == nil {
		t.Fatal("there is no condition Ready")
	}
	return c
}

func (b *bench) serverKeys(t *testing.T) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{}
	key := client.ObjectKey{Namespace: b.server.Namespace, Name: v1alpha1.ServerKeysSecretName("default")}
	if err := b.client.Get(t.Context(), key, secret); err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestServerKeysAreMadeOnce(t *testing.T) {
	b := newBench(t)
	b.reconcile(t)
	made := b.serverKeys(t)
	if _, err := credential.ParseServerKeys(made.Data[v1alpha1.ServerKeysKey]); err != nil {
		t.Error(err)
	}
	if made.Labels[v1alpha1.LabelSecretKind] != v1alpha1.SecretKindServerKeys || len(made.OwnerReferences) != 0 {
		t.Errorf("the Secret has labels %v and owners %v", made.Labels, made.OwnerReferences)
	}
	b.reconcile(t)
	if b.serverKeys(t).ResourceVersion != made.ResourceVersion {
		t.Error("the Secret was written again")
	}
	if err := b.client.Delete(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	b.reconcile(t)
	if b.serverKeys(t).UID == made.UID {
		t.Error("a deleted Secret was not made anew")
	}
}

func TestServerKeysAreNeverOverwritten(t *testing.T) {
	for name, damage := range map[string]func(*corev1.Secret){
		"garbage":     func(s *corev1.Secret) { s.Data[v1alpha1.ServerKeysKey] = []byte("garbage") },
		"emptied":     func(s *corev1.Secret) { s.Data = nil },
		"label taken": func(s *corev1.Secret) { s.Labels = nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.reconcile(t)
			secret := b.serverKeys(t)
			damage(secret)
			if err := b.client.Update(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			b.reconcile(t)
			if b.serverKeys(t).ResourceVersion != secret.ResourceVersion {
				t.Error("the damaged Secret was written")
			}
			ready := b.ready(t)
			if ready.Reason != v1alpha1.ReasonKeysInvalid || !strings.Contains(ready.Message, secret.Name) || strings.Contains(ready.Message, "delete") || !strings.Contains(ready.Message, "restore it from a backup") && !strings.Contains(ready.Message, "add the label") {
				t.Errorf("Ready is %+v, want that it names the Secret and what to do", ready)
			}
			if !meta.IsStatusConditionTrue(b.server.Status.Conditions, v1alpha1.ConditionStalled) {
				t.Error("it is not Stalled")
			}
		})
	}
}

func TestForeignSecretIsLookedAtAgain(t *testing.T) {
	b := newBench(t)
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: b.server.Namespace, Name: v1alpha1.SigningKeysSecretName("default")}}
	if err := b.client.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	if again := b.reconcile(t).RequeueAfter; again != foreignRetry {
		t.Errorf("looks again after %s, want %s: nobody tells when the Secret goes", again, foreignRetry)
	}
	if ready := b.ready(t); ready.Reason != v1alpha1.ReasonKeysInvalid || !strings.Contains(ready.Message, foreign.Name) {
		t.Errorf("Ready is %+v", ready)
	}
}

func TestNamespaceThatDoesNotCount(t *testing.T) {
	b := newBench(t, "another-namespace")
	if again := b.reconcile(t).RequeueAfter; again <= 0 || again > status.Patience {
		t.Errorf("it is looked at again after %s, while another operator may take it", again)
	}
	b.Reconciler.Now = func() time.Time { return time.Now().Add(2 * status.Patience) }
	b.reconcile(t)
	ready := b.ready(t)
	if ready.Reason != v1alpha1.ReasonNamespaceNotWatched || !strings.Contains(ready.Message, "--authorization-server-namespaces") {
		t.Errorf("Ready is %+v", ready)
	}
	if _, known := b.Servers.Lookup(client.ObjectKeyFromObject(b.server)); known {
		t.Error("the operator speaks to it")
	}
	err := b.client.Get(t.Context(), client.ObjectKey{Namespace: b.server.Namespace, Name: v1alpha1.ServerKeysSecretName("default")}, &corev1.Secret{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("reading the server keys gives %v, want that there are none", err)
	}
}

// F19: an AuthorizationServer that goes is forgotten, and its keys stay.
func TestF19DeletedServerLeavesItsKeys(t *testing.T) {
	b := newBench(t)
	b.reconcile(t)
	made := b.serverKeys(t)
	key := client.ObjectKeyFromObject(b.server)
	if _, known := b.Servers.Lookup(key); !known {
		t.Fatal("the operator does not know the server")
	}
	if err := b.client.Delete(t.Context(), b.server); err != nil {
		t.Fatal(err)
	}
	b.reconcile(t)
	if _, known := b.Servers.Lookup(key); known {
		t.Error("the operator still speaks to it")
	}
	if b.serverKeys(t).ResourceVersion != made.ResourceVersion {
		t.Error("its server keys were touched")
	}
}

// F35: a status that says nothing new is not written.
func TestF35IdleServerIsNotWritten(t *testing.T) {
	b := newBench(t)
	b.reconcile(t)
	b.reconcile(t)
	want := b.server.ResourceVersion
	for range 3 {
		b.reconcile(t)
	}
	if b.server.ResourceVersion != want {
		t.Error("the object was written though nothing changed")
	}
}
