package notice

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
)

type world struct {
	*Board
	now      time.Time
	recorder *events.FakeRecorder
}

func newWorld() *world {
	w := &world{now: time.Unix(1_700_000_000, 0), recorder: events.NewFakeRecorder(1000)}
	w.Board = New(Options{
		Recorder: w.recorder, Now: func() time.Time { return w.now }, Kind: "OAuthClient",
		Conditions: []Condition{
			{Type: "Ready", Action: "Register", Bad: metav1.ConditionFalse, Fine: []string{"Registering"}},
			{Type: "Paused", Action: "Deregister", Bad: metav1.ConditionTrue},
		},
	})
	return w
}

// told are the events so far.
func (w *world) told() (all []string) {
	for {
		select {
		case e := <-w.recorder.Events:
			all = append(all, e)
		default:
			return all
		}
	}
}

func object(name string) *v1alpha1.OAuthClient {
	return &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID(name)}}
}

func ready(status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{Type: "Ready", Status: status, Reason: reason, Message: "words"}
}

func TestWhatIsTold(t *testing.T) {
	accepted, lost := ready("True", "Accepted"), ready("False", "StoreLost")
	for _, tc := range []struct {
		name string
		// steps are what Ready is, one after the other; Settle passes between them
		// where there is a nil condition.
		steps []*metav1.Condition
		want  []string
	}{
		{"a new object that is well", []*metav1.Condition{&accepted, nil}, nil},
		{"a new object that is on its way first", []*metav1.Condition{new(ready("False", "Registering")), nil, &accepted, nil}, nil},
		{"a new object that fails", []*metav1.Condition{&lost, nil, &lost, nil}, []string{"Warning StoreLost Ready is False: words"}},
		{"a failure and its end", []*metav1.Condition{&accepted, &lost, nil, &lost, nil, &accepted, nil, &accepted, nil}, []string{
			"Warning StoreLost Ready is False: words", "Normal Accepted Ready is True, after StoreLost: words",
		}},
		{"a failure that passes at once", []*metav1.Condition{&accepted, &lost, &accepted, nil}, nil},
		{"a recovery that does not last", []*metav1.Condition{&lost, nil, &accepted, &lost, nil}, []string{"Warning StoreLost Ready is False: words"}},
		{"another failure", []*metav1.Condition{&lost, nil, new(ready("False", "ServerError")), nil}, []string{
			"Warning StoreLost Ready is False: words", "Warning ServerError Ready is False: words",
		}},
		{"a reason that is no failure", []*metav1.Condition{&accepted, new(ready("False", "Registering")), nil}, nil},
		{"what is not known tells nothing", []*metav1.Condition{&accepted, new(ready("Unknown", "Pending")), nil, &accepted, nil}, nil},
		{"a failure, unknown, and well", []*metav1.Condition{&lost, nil, new(ready("Unknown", "Pending")), nil, &accepted, nil}, []string{
			"Warning StoreLost Ready is False: words", "Normal Accepted Ready is True, after StoreLost: words",
		}},
		{"well, unknown, and a failure", []*metav1.Condition{&accepted, new(ready("Unknown", "Pending")), nil, &lost, nil}, []string{"Warning StoreLost Ready is False: words"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			var have []metav1.Condition
			for _, step := range tc.steps {
				if step == nil {
					w.now = w.now.Add(Settle)
					w.TellSettled()
					continue
				}
				next := []metav1.Condition{*step}
				w.Changed(object("a"), have, next)
				have = next
			}
			if got := w.told(); !slices.Equal(got, tc.want) {
				t.Errorf("told %q, want %q", got, tc.want)
			}
			if len(w.queue) > 0 {
				t.Errorf("%d are still in the queue", len(w.queue))
			}
		})
	}
}

func TestNothingIsToldTooEarly(t *testing.T) {
	w := newWorld()
	w.Changed(object("a"), nil, []metav1.Condition{ready("False", "StoreLost")})
	w.now = w.now.Add(Settle - time.Second)
	next := w.TellSettled()
	if got := w.told(); len(got) > 0 || !next.Equal(w.now.Add(time.Second)) {
		t.Errorf("told %q, and next at %v", got, next)
	}
}

func TestAConditionThatIsBadWhenTrue(t *testing.T) {
	w := newWorld()
	paused := func(s metav1.ConditionStatus, reason string) []metav1.Condition {
		return []metav1.Condition{{Type: "Paused", Status: s, Reason: reason}}
	}
	w.Changed(object("a"), paused("False", "NotPaused"), paused("True", "TooMany"))
	w.now = w.now.Add(Settle)
	w.TellSettled()
	w.Changed(object("a"), paused("True", "TooMany"), paused("False", "NotPaused"))
	w.now = w.now.Add(Settle)
	w.TellSettled()
	want := []string{"Warning TooMany Paused is True", "Normal NotPaused Paused is False, after TooMany"}
	if got := w.told(); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

func TestOfAnObjectThatIsGoneNothingIsTold(t *testing.T) {
	w := newWorld()
	w.Changed(object("a"), nil, []metav1.Condition{ready("False", "StoreLost")})
	w.Forget(types.NamespacedName{Namespace: "shop", Name: "a"})
	w.now = w.now.Add(Settle)
	w.TellSettled()
	if got := w.told(); len(got) > 0 || len(w.changes) > 0 {
		t.Errorf("told %q, and %d are kept", got, len(w.changes))
	}
}

func TestAnotherObjectOfTheNameBeginsAnew(t *testing.T) {
	w := newWorld()
	w.Changed(object("a"), nil, []metav1.Condition{ready("False", "StoreLost")})
	other := object("a")
	other.UID = "other"
	w.Changed(other, nil, []metav1.Condition{ready("False", "ServerError")})
	w.now = w.now.Add(Settle)
	w.TellSettled()
	if got := w.told(); len(got) != 1 || !strings.Contains(got[0], "ServerError") {
		t.Errorf("told %q", got)
	}
}

func TestTheBudgetOfAKind(t *testing.T) {
	w := newWorld()
	for i := range 10 * burst {
		w.Changed(object(fmt.Sprint(i)), nil, []metav1.Condition{ready("False", "StoreLost")})
	}
	w.now = w.now.Add(Settle)
	w.TellSettled()
	if got := len(w.told()); got != burst || w.Dropped() != 9*burst {
		t.Errorf("%d were told and %d dropped, of %d", got, w.Dropped(), 10*burst)
	}
	w.now = w.now.Add(10 * time.Second)
	for range 20 {
		w.Tell(object("a"), Notice{Type: corev1.EventTypeNormal, Reason: "Done", Action: "Do", Note: "words"})
	}
	if got := len(w.told()); got != 10*perSecond {
		t.Errorf("after ten seconds there is room for %d", got)
	}
}

func TestALongNoteIsCut(t *testing.T) {
	w := newWorld()
	w.Tell(object("a"), Notice{Type: corev1.EventTypeNormal, Reason: "Done", Action: "Do", Note: "100%d " + strings.Repeat("ä", maxNote)})
	got := w.told()
	if len(got) != 1 || len(got[0]) > maxNote+len("Normal Done ") || !strings.HasSuffix(got[0], "ä") || !strings.Contains(got[0], "100%d") {
		t.Errorf("told %q", got)
	}
}

// The loop tells of what settled without being asked.
func TestTheLoopTells(t *testing.T) {
	recorder := events.NewFakeRecorder(10)
	start := time.Now()
	board := New(Options{
		// Time goes a hundred times as fast.
		Recorder: recorder, Now: func() time.Time { return start.Add(100 * time.Since(start)) }, Kind: "OAuthClient",
		Conditions: []Condition{{Type: "Ready", Action: "Register", Bad: metav1.ConditionFalse}},
	})
	board.after = func(d time.Duration) <-chan time.Time { return time.After(d / 100) }
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- board.Start(ctx) }()
	for _, name := range []string{"a", "b"} {
		board.Changed(object(name), nil, []metav1.Condition{ready("False", "StoreLost")})
		select {
		case <-recorder.Events:
		case <-time.After(30 * time.Second):
			t.Fatalf("%s is not told of", name)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
