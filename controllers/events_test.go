package controllers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// eventsOf lists the events about an object that the test began with.
func (s *stack) eventsOf(ctx context.Context, about client.Object) []string {
	var list eventsv1.EventList
	if s.client.List(ctx, &list, client.InNamespace(about.GetNamespace())) != nil {
		return nil
	}
	var out []string
	for _, e := range list.Items {
		if e.Regarding.UID == about.GetUID() {
			out = append(out, e.Type+" "+e.Reason+": "+e.Note)
		}
	}
	slices.Sort(out)
	return out
}

// awaitEvents waits until the events about an object have these beginnings.
func (s *stack) awaitEvents(t *testing.T, about client.Object, want ...string) {
	t.Helper()
	var last []string
	s.eventually(t, func(ctx context.Context) bool {
		last = s.eventsOf(ctx, about)
		return slices.EqualFunc(last, want, strings.HasPrefix)
	}, func() string { return fmt.Sprintf("the events are %q, want %q", last, want) })
}

// With the rights of config/install.yaml: what fails is told of each kind, and what fails
// for a moment only is not.
func TestEventsOfEveryKind(t *testing.T) {
	s := start(t)
	as, sp, oac := s.authorizationServer(), s.policy(), s.oauthClient()
	// Before its policy: for a moment nothing is granted.
	s.create(t, oac)
	s.await(t, oac, v1alpha1.ConditionReady, v1alpha1.ReasonAccepted)
	s.create(t, sp)
	s.await(t, oac, v1alpha1.ConditionScopesGranted, v1alpha1.ReasonAllGranted)
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonServing)

	stranger := s.policy()
	stranger.Name, stranger.Spec.Resource = "stranger", "https://elsewhere.example"
	s.create(t, stranger)
	s.awaitEvents(t, stranger, "Warning ResourceNotAllowed: Ready is False: ")

	s.stopServer()
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonServerUnreachable)
	s.awaitEvents(t, as, "Warning ServerUnreachable: Ready is False: ")
	s.startServerAgain(t)
	s.await(t, as, v1alpha1.ConditionReady, v1alpha1.ReasonServing)
	s.awaitEvents(t, as, "Normal Serving: Ready is True, after ServerUnreachable: ", "Warning ServerUnreachable: Ready is False: ")

	s.remove(t, sp)
	s.awaitEvents(t, oac, "Warning NoneGranted: ScopesGranted is False: ")
	if got := s.eventsOf(t.Context(), sp); len(got) > 0 {
		t.Errorf("of the policy, with which nothing was wrong, there are the events %q", got)
	}
}
