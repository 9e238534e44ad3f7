package oauthclient

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/notice"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// recorder writes events to the API server as the manager's does.
func recorder(t *testing.T, config *rest.Config) events.EventRecorder {
	t.Helper()
	set, err := kubernetes.NewForConfig(config)
	must(t, err)
	b := events.NewBroadcaster(&events.EventSinkImpl{Interface: set.EventsV1()})
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(func() { stop(); b.Shutdown() })
	must(t, b.StartRecordingToSinkWithContext(ctx))
	return b.NewRecorder(nil, "clientele-operator")
}

// letSettle lets conditions be as they are for long enough to be told.
func (op *operator) letSettle() {
	op.clock.Advance(notice.Settle)
	op.board.TellSettled()
}

// events of a namespace, the oldest first, each as "type reason xcount".
func (w *world) events(namespace string) []eventsv1.Event {
	w.t.Helper()
	var list eventsv1.EventList
	must(w.t, w.kube.List(w.t.Context(), &list, client.InNamespace(namespace)))
	slices.SortFunc(list.Items, func(a, b eventsv1.Event) int { return a.EventTime.Compare(b.EventTime.Time) })
	return list.Items
}

func summary(list []eventsv1.Event) []string {
	var out []string
	for _, e := range list {
		count := int32(1)
		if e.Series != nil {
			count = e.Series.Count
		}
		out = append(out, fmt.Sprintf("%s %s x%d", e.Type, e.Reason, count))
	}
	return out
}

// wantEvents waits until the events of the app namespace are those, and sees that
// none tells a secret.
func (w *world) wantEvents(want ...string) []eventsv1.Event {
	w.t.Helper()
	var have []eventsv1.Event
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("the events are %v", summary(have))
		}
	})
	eventually(w.t, fmt.Sprintf("the events %q", want), func() bool {
		have = w.events(w.app)
		return slices.Equal(summary(have), want)
	})
	w.noSecretIn(have)
	return have
}

// noSecretIn sees that events hold none of the secrets that there are in Secrets.
func (w *world) noSecretIn(list []eventsv1.Event) {
	w.t.Helper()
	var secrets []string
	for _, s := range w.records() {
		for _, key := range []string{keyToken, keySecret, keySecretNext, keySecretPrevious} {
			if v := string(s.Data[key]); v != "" {
				secrets = append(secrets, v)
			}
		}
	}
	if len(secrets) == 0 {
		w.t.Fatal("there is no secret to look for")
	}
	for _, e := range list {
		text := fmt.Sprintf("%+v", e)
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				w.t.Errorf("an event tells a secret: %s", text)
			}
		}
	}
}

// wantNoEvent writes an event the way that all go, and waits until it is there,
// alone.
func (op *operator) wantNoEvent(about *v1alpha1.OAuthClient) {
	op.t.Helper()
	op.board.Tell(about, notice.Notice{Type: corev1.EventTypeNormal, Reason: "Fence", Action: "Test", Note: "of the test"})
	op.wantEvents("Normal Fence x1")
}

func rotate(value string) func(*v1alpha1.OAuthClient) {
	return func(o *v1alpha1.OAuthClient) {
		metav1.SetMetaDataAnnotation(&o.ObjectMeta, v1alpha1.AnnotationRotateSecret, value)
	}
}

// The happy path: made, changed, rotated on schedule, at rest. Not one event.
func TestNoEventOnTheHappyPath(t *testing.T) {
	w, op, oac := registered(t, func(o *v1alpha1.OAuthClient) {
		o.Spec.Credentials.RotateEvery = &metav1.Duration{Duration: time.Hour}
		o.Spec.Credentials.Overlap = &metav1.Duration{Duration: 10 * time.Minute}
	})
	op.letSettle()
	w.edit(oac, func() { oac.Spec.DisplayName = "Another" })
	op.settle(keyOf(oac))
	w.edit(oac, func() {
		oac.Spec.Credentials.Template = &v1alpha1.CredentialsTemplate{Keys: &v1alpha1.CredentialsKeys{ClientSecret: "password"}}
	})
	op.settle(keyOf(oac))
	w.clock.Advance(time.Hour)
	op.settle(keyOf(oac))
	w.clock.Advance(10 * time.Minute)
	op.settle(keyOf(oac))
	w.edit(oac, func() { oac.Spec.Disabled = true })
	op.settle(keyOf(oac))
	op.letSettle()
	op.wantNoEvent(oac)
}

// A failure is told once and not at each try; so is its end.
func TestEventsOfAFailureAndItsEnd(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	w.proxy.failing(http.MethodPost, answer(http.StatusServiceUnavailable, "", ""))
	oac := w.oauthClient("app")
	must(t, op.sync())
	for range 5 {
		op.run(keyOf(oac))
		op.letSettle()
	}
	failed := w.wantEvents("Warning ServerError x1")[0]
	if failed.Regarding.UID != oac.UID || failed.Regarding.Kind != "OAuthClient" || !strings.Contains(failed.Note, "Ready is False") {
		t.Errorf("the event is %+v", failed)
	}
	w.proxy.failing("", nil)
	op.settleAccepted(oac)
	op.letSettle()
	w.wantEvents("Warning ServerError x1", "Normal Accepted x1")
}

func TestEventsOfWhatTheOperatorDid(t *testing.T) {
	for _, tc := range []struct {
		name   string
		happen func(*world, *v1alpha1.OAuthClient)
		want   []string
		note   string
	}{
		{"rotated by annotation", func(w *world, oac *v1alpha1.OAuthClient) { w.edit(oac, func() { rotate("1")(oac) }) },
			[]string{"Normal SecretRotated x1"}, "valid until"},
		{"credentials deleted", func(w *world, _ *v1alpha1.OAuthClient) { w.delete(w.secret(w.app, "app-oauth")) },
			[]string{"Normal CredentialsRepaired x1"}, "app-oauth was deleted"},
		{"credentials edited", func(w *world, _ *v1alpha1.OAuthClient) {
			s := w.secret(w.app, "app-oauth")
			w.edit(s, func() { s.Data["client_secret"] = []byte("mine") })
		}, []string{"Normal CredentialsRepaired x1"}, "app-oauth was edited"},
		{"credentials of the operator's label robbed", func(w *world, _ *v1alpha1.OAuthClient) {
			s := w.secret(w.app, "app-oauth")
			w.edit(s, func() { s.Labels = nil })
		}, []string{"Normal CredentialsRepaired x1"}, "app-oauth was edited"},
		{"the server's database lost", func(w *world, _ *v1alpha1.OAuthClient) { w.wipe() },
			[]string{"Warning RegisteredAgain x1"}, "same id and secret"},
		{"the registration Secret deleted", func(w *world, _ *v1alpha1.OAuthClient) { w.delete(&w.records()[0]) },
			[]string{"Warning SecretReplaced x1"}, "new secret"},
		{"the registration Secret damaged", func(w *world, _ *v1alpha1.OAuthClient) {
			s := w.records()[0]
			w.edit(&s, func() { s.Data[keySecret] = []byte("damaged") })
		}, []string{"Warning SecretReplaced x1"}, "new secret"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, op, oac := registered(t)
			tc.happen(w, oac)
			op.settleAccepted(oac)
			got := w.wantEvents(tc.want...)
			if !strings.Contains(got[0].Note, tc.note) {
				t.Errorf("the note is %q, which lacks %q", got[0].Note, tc.note)
			}
			op.settle(keyOf(oac))
			op.letSettle()
			w.wantEvents(tc.want...)
			w.wantToken(w.credentials("app"), http.StatusOK)
		})
	}
}

// An object that goes back and forth makes two requests a reason, however often.
func TestEventsOfAnObjectThatFlaps(t *testing.T) {
	w, op, oac := registered(t)
	for range 4 {
		w.allow(nil)
		op.run(keyOf(oac))
		op.letSettle()
		w.allow(w.access().Spec.Clients)
		op.settleAccepted(oac)
		op.letSettle()
	}
	// The API server is told of the second, and then at the end of the series.
	w.wantEvents("Warning NamespaceNotAllowed x2", "Normal Accepted x2")
}

func TestEventsOfATombstoneWhoseServerIsGone(t *testing.T) {
	w, op, oac := registered(t)
	key := keyOf(oac)
	record := w.records()[0]
	w.delete(oac)
	w.delete(w.authorizationServer())
	stranded := func() []eventsv1.Event {
		return slices.DeleteFunc(w.events(w.system), func(e eventsv1.Event) bool { return e.Regarding.UID != record.UID })
	}
	want := func(n int) []eventsv1.Event {
		t.Helper()
		var have []eventsv1.Event
		eventually(t, fmt.Sprintf("%d events about the tombstone", n), func() bool { have = stranded(); return len(have) == n })
		w.noSecretIn(have)
		return have
	}

	if again := op.run(key).RequeueAfter; again > strandedAfter {
		t.Errorf("looked at again after %v", again)
	}
	if got := op.Tombstones(); len(got) != 1 || got[0].Count != 1 || !got[0].Oldest.Equal(w.clock.Now()) {
		t.Errorf("the tombstones are %+v", got)
	}
	if got := op.DroppedEvents(); got != 0 || len(stranded()) > 0 {
		t.Error("told before a minute has passed")
	}
	w.clock.Advance(strandedAfter)
	op.run(key)
	note := want(1)[0].Note
	for _, part := range []string{key.String(), w.system + "/default", "kubectl delete secret -n " + w.system + " " + record.Name} {
		if !strings.Contains(note, part) {
			t.Errorf("the note %q does not tell %s", note, part)
		}
	}
	for range 5 {
		w.clock.Advance(10 * time.Minute)
		op.run(key)
	}
	if have := stranded(); len(have) != 1 || have[0].Series != nil {
		t.Errorf("within an hour it is told again: %v", summary(have))
	}
	w.clock.Advance(10 * time.Minute)
	op.run(key)
	eventually(t, "it is told again after an hour", func() bool {
		have := stranded()
		return len(have) == 1 && have[0].Series != nil && have[0].Series.Count == 2
	})
	op.Servers.Forget(client.ObjectKey{Namespace: w.system, Name: "default"}) // as the server's controller does
	if got := op.Tombstones(); len(got) != 1 || got[0].Reason != v1alpha1.ReasonServerNotFound {
		t.Errorf("the tombstones are %+v", got)
	}

	// What the note says helps.
	w.delete(&record)
	op.run(key)
	if got := op.Tombstones(); len(got) != 0 {
		t.Errorf("the tombstones are %+v after the Secret was deleted", got)
	}
}

// Anybody can make a Secret that looks like a tombstone, but none that is told of.
func TestNoEventOfAStrangersTombstone(t *testing.T) {
	w := newWorld(t)
	op := w.operator()
	fake := &corev1.Secret{Type: registrationType}
	fake.Namespace, fake.Name = w.app, "oac-fake"
	fake.Labels = map[string]string{v1alpha1.LabelSecretKind: v1alpha1.SecretKindRegistration}
	fake.Annotations = map[string]string{v1alpha1.AnnotationOwner: w.app + "/nobody", labelServer: "nowhere"}
	w.create(fake)
	key := client.ObjectKey{Namespace: w.app, Name: "nobody"}
	op.run(key)
	w.clock.Advance(2 * strandedAfter)
	op.run(key)
	if got := op.Tombstones(); len(got) != 0 {
		t.Errorf("the tombstones are %+v", got)
	}
}
