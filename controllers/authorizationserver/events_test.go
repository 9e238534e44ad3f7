package authorizationserver

import (
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/notice"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/client-go/tools/events"
)

// What is told of the server as it was judged, step by step.
func TestEvents(t *testing.T) {
	recorder := events.NewFakeRecorder(10)
	now := epoch
	r := New(Options{Recorder: recorder, Now: func() time.Time { return now }})
	as := testServer()
	step := func(o observed, want ...string) {
		t.Helper()
		next := judge(as, o)
		r.tell(as, next)
		as.Status = next
		now = now.Add(notice.Settle)
		r.board.TellSettled()
		var got []string
		for len(recorder.Events) > 0 {
			got = append(got, <-recorder.Events)
		}
		if !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	o := fine(t)
	step(o) // the happy path
	o.brake = registrar.BrakeState{Paused: true, Waiting: 30, Limit: 20, Confirm: "30-abcd"}
	step(o, "Warning TooManyDeletions DeregistrationPaused is True: 30 OAuthClients are gone at once")
	step(o)
	o.brake = registrar.BrakeState{Limit: 20}
	step(o, "Normal NotPaused DeregistrationPaused is False, after TooManyDeletions")
	o.state.StoreID = "another"
	step(o, "Warning "+v1alpha1.ReasonStoreLost)
	step(o)
	o.state.Err = registrar.ErrUnreachable
	step(o, "Warning ServerUnreachable Ready is False")
	step(o)
	o.state.Err = nil
	step(o, "Normal Serving Ready is True, after ServerUnreachable")
}
