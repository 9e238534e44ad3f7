package signingkey

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/keys"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/hack/testenv"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const (
	maxAge      = 5 * time.Minute
	rotateEvery = 24 * time.Hour
	lifetime    = 15 * time.Minute
)

// bench is a Reconciler on a real API server, with a clock and replicas that the
// test moves.
type bench struct {
	*Reconciler
	client   client.Client
	server   *v1alpha1.AuthorizationServer
	recorder *events.FakeRecorder

	mu  sync.Mutex
	now time.Time
	// serving is the set that the one replica serves, since when; down makes the
	// server not answer.
	serving keys.Set
	since   time.Time
	down    bool
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		client:   testenv.Client(t, v1alpha1.AddToScheme),
		recorder: events.NewFakeRecorder(100),
		now:      time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
	b.server = &v1alpha1.AuthorizationServer{
		ObjectMeta: metav1.ObjectMeta{Namespace: testenv.Namespace(t), Name: "default"},
		Spec: v1alpha1.AuthorizationServerSpec{
			Issuer: "https://as.example", Type: v1alpha1.AuthorizationServerUnmanaged, Unmanaged: &v1alpha1.UnmanagedServer{},
			Signing: v1alpha1.SigningSpec{RotateEvery: metav1.Duration{Duration: rotateEvery}, JWKSMaxAge: metav1.Duration{Duration: maxAge}},
			Tokens:  v1alpha1.TokensSpec{AccessTokenLifetime: metav1.Duration{Duration: lifetime}},
		},
	}
	if err := b.client.Create(t.Context(), b.server); err != nil {
		t.Fatal(err)
	}
	b.Reconciler = New(b.options(b.server.Namespace))
	return b
}

func (b *bench) options(namespaces ...string) Options {
	return Options{
		Client: labelled{b.client}, Live: b.client, Recorder: b.recorder, Namespaces: namespaces,
		Replicas: func(context.Context, *v1alpha1.AuthorizationServer) ([]oauth.Replica, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.down {
				return nil, errors.New("connection refused")
			}
			return []oauth.Replica{{ID: "one", KeySetRevision: b.serving.Revision(), ServingSince: b.since.Unix(), LeaseExpires: b.now.Add(time.Minute).Unix()}}, nil
		},
		Now: func() time.Time { return b.now },
	}
}

// labelled sees what the operator's cache sees: no Secret without its label.
type labelled struct{ client.Client }

func (l labelled) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	err := l.Client.Get(ctx, key, obj, opts...)
	if _, ok := obj.(*corev1.Secret); ok && err == nil && obj.GetLabels()[v1alpha1.LabelSecretKind] == "" {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	return err
}

// reconcile runs once and returns when it wants to run again.
func (b *bench) reconcile(t *testing.T) time.Duration {
	t.Helper()
	result, err := b.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(b.server)})
	if err != nil {
		t.Fatal(err)
	}
	return result.RequeueAfter
}

// serve has the replica serve what the Secret holds, as the server's watch does,
// lets a little time pass and reconciles.
func (b *bench) serve(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	b.serving, b.since = b.set(t), b.now
	b.mu.Unlock()
	b.advance(10 * time.Second)
	b.reconcile(t)
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func (b *bench) secret(t *testing.T) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{}
	if err := b.client.Get(t.Context(), secretName(b.server), secret); err != nil {
		t.Fatal(err)
	}
	return secret
}

func (b *bench) set(t *testing.T) keys.Set {
	t.Helper()
	set, err := keys.Parse(b.secret(t).Data[v1alpha1.SigningKeysKey])
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// phases are the phases of an algorithm's keys, oldest first.
func (b *bench) phases(t *testing.T, algorithm string) string {
	t.Helper()
	var words []string
	for _, k := range b.set(t).Keys {
		if k.Algorithm == algorithm {
			words = append(words, string(k.Phase))
		}
	}
	return strings.Join(words, " ")
}

// wantPhases wants these of both algorithms: they began together.
func (b *bench) wantPhases(t *testing.T, want string) {
	t.Helper()
	b.wantPhasesOf(t, keys.ES256, want)
	b.wantPhasesOf(t, keys.RS256, want)
}

func (b *bench) wantPhasesOf(t *testing.T, algorithm, want string) {
	t.Helper()
	if got := b.phases(t, algorithm); got != want {
		t.Fatalf("the keys of %s are %q, want %q", algorithm, got, want)
	}
}

// change updates the AuthorizationServer's spec.
func (b *bench) change(t *testing.T, change func(*v1alpha1.SigningSpec)) {
	t.Helper()
	before := b.server.DeepCopy()
	change(&b.server.Spec.Signing)
	if err := b.client.Patch(t.Context(), b.server, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

// event returns the next event, "" if there is none.
func (b *bench) event() string {
	select {
	case e := <-b.recorder.Events:
		return e
	default:
		return ""
	}
}

func (b *bench) annotate(t *testing.T, value string) {
	t.Helper()
	before := b.server.DeepCopy()
	b.server.Annotations = map[string]string{v1alpha1.AnnotationRotateSigningKeys: value}
	if err := b.client.Patch(t.Context(), b.server, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
}

func TestFirstKeyIsActiveAtOnceWithAStandby(t *testing.T) {
	b := newBench(t)
	again := b.reconcile(t)
	b.wantPhases(t, "Active Published")
	secret := b.secret(t)
	if secret.Labels[v1alpha1.LabelSecretKind] != v1alpha1.SecretKindSigningKeys || secret.Type != secretType || len(secret.OwnerReferences) != 0 {
		t.Errorf("the Secret has labels %v, type %s, owners %v", secret.Labels, secret.Type, secret.OwnerReferences)
	}
	if again <= 0 || again > unobservedRetry {
		t.Errorf("looks again after %s, want soon, for nothing is observed yet", again)
	}
	if e := b.event(); e != "" {
		t.Errorf("event %q, want none for a server's first key", e)
	}
}

func TestScheduledRotation(t *testing.T) {
	b := newBench(t)
	b.reconcile(t)
	b.serve(t)
	first := b.set(t).Keys[0].KID
	b.advance(rotateEvery)
	b.reconcile(t)
	b.wantPhases(t, "Retiring Active Published")
	if e := b.event(); !strings.Contains(e, eventRotated) || strings.Contains(e, first) {
		t.Errorf("event %q, want one of reason %s about the new key", e, eventRotated)
	}
	b.serve(t)
	b.advance(lifetime + skew)
	b.reconcile(t)
	b.wantPhases(t, "Active Published")
	if dead := b.set(t).Dead; len(dead) != 2 || !slices.Contains(dead, first) {
		t.Errorf("dead are %v, want %s and one more", dead, first)
	}
}

// A server of before there were keys for ID tokens: nothing signs with the new key
// before every verifier can have it, and the old one is left alone.
func TestKeyForIDTokensIsAddedToAServerThatHasNone(t *testing.T) {
	b := newBench(t)
	b.change(t, func(s *v1alpha1.SigningSpec) { s.IDTokenAlgorithm = v1alpha1.ES256 })
	b.reconcile(t)
	b.wantPhasesOf(t, keys.ES256, "Active Published")
	b.wantPhasesOf(t, keys.RS256, "")
	b.serve(t)
	old := b.set(t)
	b.change(t, func(s *v1alpha1.SigningSpec) { s.IDTokenAlgorithm = v1alpha1.RS256 })
	b.reconcile(t)
	b.wantPhasesOf(t, keys.RS256, "Published")
	b.serve(t)
	b.advance(maxAge - 20*time.Second)
	b.reconcile(t)
	b.wantPhasesOf(t, keys.RS256, "Published")
	b.advance(20 * time.Second)
	b.reconcile(t)
	b.wantPhasesOf(t, keys.RS256, "Active Published")
	b.wantPhasesOf(t, keys.ES256, "Active Published")
	if now := b.set(t); now.Keys[0].KID != old.Keys[0].KID {
		t.Error("the key of access tokens is another one")
	}
	if k, _ := b.set(t).Signing(keys.RS256); k.TokensExpireIn != lifetime {
		t.Errorf("tokens of the new key are thought to live %s, want %s", k.TokensExpireIn, lifetime)
	}
}

// F28: a replica that lags, or a server that does not answer, holds the rotation
// back.
func TestF28NothingIsPromotedUnobserved(t *testing.T) {
	b := newBench(t)
	b.reconcile(t)
	b.advance(2 * rotateEvery) // the replica serves another revision
	b.reconcile(t)
	b.wantPhases(t, "Active Published")
	b.serve(t)
	b.down = true
	b.advance(rotateEvery)
	if again := b.reconcile(t); again > unobservedRetry {
		t.Errorf("looks again after %s, want at most %s", again, unobservedRetry)
	}
	b.wantPhases(t, "Active Published")
	b.down = false
	b.reconcile(t)
	b.wantPhases(t, "Retiring Active Published")
}

func TestRotationOnRequest(t *testing.T) {
	b := newBench(t)
	b.reconcile(t)
	b.serve(t)
	b.annotate(t, "leaked on Monday")
	b.reconcile(t) // the standby is not old enough yet
	b.wantPhases(t, "Active Published")
	if handled := b.secret(t).Annotations[v1alpha1.AnnotationRotateSigningKeys]; handled != "" {
		t.Errorf("handled is %q before anything was done", handled)
	}
	b.advance(maxAge)
	b.reconcile(t)
	b.wantPhases(t, "Retiring Active Published")
	if handled := b.secret(t).Annotations[v1alpha1.AnnotationRotateSigningKeys]; handled != "leaked on Monday" {
		t.Errorf("handled is %q", handled)
	}
	b.serve(t)
	b.advance(2 * maxAge)
	b.reconcile(t)
	b.wantPhases(t, "Retiring Active Published") // once per value
}

// F28: the key Secret deleted.
func TestF28DeletedSecretIsMadeAnew(t *testing.T) {
	b := newBench(t)
	b.reconcile(t)
	old := b.set(t)
	before := b.server.DeepCopy()
	for _, k := range old.Keys {
		b.server.Status.SigningKeys = append(b.server.Status.SigningKeys, v1alpha1.SigningKeyStatus{
			KID: k.KID, Algorithm: v1alpha1.SigningAlgorithm(k.Algorithm), Phase: v1alpha1.SigningKeyPhase(k.Phase), Created: metav1.NewTime(k.Created),
		})
	}
	if err := b.client.Status().Patch(t.Context(), b.server, client.MergeFrom(before)); err != nil {
		t.Fatal(err)
	}
	if err := b.client.Delete(t.Context(), b.secret(t)); err != nil {
		t.Fatal(err)
	}
	b.reconcile(t)
	b.wantPhases(t, "Active Published")
	fresh := b.set(t)
	if fresh.Keys[0].KID == old.Keys[0].KID || len(fresh.Dead) != 4 {
		t.Errorf("keys %v with %d dead, want others and the old ones dead", fresh.Keys, len(fresh.Dead))
	}
	if e := b.event(); !strings.Contains(e, eventLost) || !strings.Contains(e, corev1.EventTypeWarning) {
		t.Errorf("event %q, want a warning of reason %s", e, eventLost)
	}
}

// F28: the key Secret corrupted, or somebody else's.
func TestF28DamagedSecretIsNotOverwritten(t *testing.T) {
	for name, damage := range map[string]func(*corev1.Secret){
		"garbage":     func(s *corev1.Secret) { s.Data[v1alpha1.SigningKeysKey] = []byte("garbage") },
		"emptied":     func(s *corev1.Secret) { s.Data = nil },
		"label taken": func(s *corev1.Secret) { s.Labels = nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.reconcile(t)
			secret := b.secret(t)
			damage(secret)
			if err := b.client.Update(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			b.advance(10 * rotateEvery)
			again := b.reconcile(t)
			if foreign := secret.Labels == nil; foreign && again != foreignRetry {
				t.Errorf("looks again after %s, want %s: nobody tells when the Secret goes", again, foreignRetry)
			}
			if now := b.secret(t); now.ResourceVersion != secret.ResourceVersion {
				t.Error("the damaged Secret was written")
			}
		})
	}
}

// F7: of two leaders one loses, and nothing is lost.
func TestF7TwoLeadersMakeOneKeySet(t *testing.T) {
	b := newBench(t)
	other := New(b.options(b.server.Namespace))
	stale, err := other.load(t.Context(), b.server)
	if err != nil {
		t.Fatal(err)
	}
	b.reconcile(t)
	want := b.secret(t)
	// The other leader has not seen the Secret yet.
	if _, err := other.advance(t.Context(), b.server, stale); err != nil {
		t.Fatal(err)
	}
	if got := b.secret(t); got.ResourceVersion != want.ResourceVersion {
		t.Error("the second leader has overwritten the keys of the first")
	}
	// Nor its next version.
	old, err := other.load(t.Context(), b.server)
	if err != nil {
		t.Fatal(err)
	}
	b.serve(t)
	want = b.secret(t)
	if _, err := other.advance(t.Context(), b.server, old); err != nil {
		t.Fatal(err)
	}
	if got := b.secret(t); got.ResourceVersion != want.ResourceVersion {
		t.Error("the second leader has written over a newer version")
	}
}

func TestServersElsewhereAreLeftAlone(t *testing.T) {
	b := newBench(t)
	b.Reconciler = New(b.options("another-namespace"))
	b.reconcile(t)
	err := b.client.Get(t.Context(), secretName(b.server), &corev1.Secret{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("reading the Secret gives %v, want that there is none", err)
	}
}

// F35: nothing to do, nothing written.
func TestF35IdleKeysAreNotWritten(t *testing.T) {
	b := newBench(t)
	b.reconcile(t)
	b.serve(t)
	want := b.secret(t).ResourceVersion
	for range 5 {
		b.advance(time.Hour)
		b.reconcile(t)
	}
	if got := b.secret(t).ResourceVersion; got != want {
		t.Error("the Secret was written though nothing was due")
	}
}
