package oauthclient

import (
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/condcheck"
	"clientele.dev/clientele/controllers/internal/outcome"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestJudge(t *testing.T) {
	granted := v1alpha1.ScopeResult{Name: "a", Granted: true, Reason: v1alpha1.ScopeReasonAllowed}
	denied := v1alpha1.ScopeResult{Name: "b", Reason: v1alpha1.ScopeReasonNotAllowed}
	retry := &problem{reason: v1alpha1.ReasonServerError, message: "the server answered 500", outcome: outcome.Retry()}
	for _, tc := range []struct {
		name     string
		change   func(*observed)
		status   metav1.ConditionStatus
		reason   string
		progress string // Reconciling, Stalled or nothing
		scopes   string
	}{
		{"accepted", func(*observed) {}, "True", v1alpha1.ReasonAccepted, "", v1alpha1.ReasonNoScopes},
		{"disabled (K1)", func(o *observed) { o.disabled = true }, "True", v1alpha1.ReasonDisabled, "", v1alpha1.ReasonNoScopes},
		{"retrying", func(o *observed) { o.problem = retry }, "False", v1alpha1.ReasonServerError, "Reconciling", v1alpha1.ReasonNoScopes},
		{"stalled", func(o *observed) { o.problem = stalled(v1alpha1.ReasonRejected, "no") }, "False", v1alpha1.ReasonRejected, "Stalled", v1alpha1.ReasonNoScopes},
		{"refused, until another object changes", func(o *observed) { o.problem = refusedBy(v1alpha1.ReasonNamespaceNotAllowed, "no") }, "False", v1alpha1.ReasonNamespaceNotAllowed, "Reconciling", v1alpha1.ReasonNoScopes},
		{"no server yet (O16)", func(o *observed) { o.problem = serverNotFound("no") }, "False", v1alpha1.ReasonServerNotFound, "Reconciling", v1alpha1.ReasonNoScopes},
		{"a problem counts before disabled", func(o *observed) { o.disabled, o.problem = true, retry }, "False", v1alpha1.ReasonServerError, "Reconciling", v1alpha1.ReasonNoScopes},
		{"all granted", func(o *observed) { o.scopes = []v1alpha1.ScopeResult{granted} }, "True", v1alpha1.ReasonAccepted, "", v1alpha1.ReasonAllGranted},
		{"some denied", func(o *observed) { o.scopes = []v1alpha1.ScopeResult{granted, denied} }, "True", v1alpha1.ReasonAccepted, "", v1alpha1.ReasonSomeDenied},
		{"none granted", func(o *observed) { o.scopes = []v1alpha1.ScopeResult{denied} }, "True", v1alpha1.ReasonAccepted, "", v1alpha1.ReasonNoneGranted},
		{"scopes unknown", func(o *observed) { o.scopesKnown = false }, "True", v1alpha1.ReasonAccepted, "", v1alpha1.ReasonScopesUnknown},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := observed{now: metav1.NewTime(time.Unix(1_800_000_000, 0)), generation: 3, recorded: true, projected: true, scopesKnown: true,
				clientID: "ns.app", secretName: "app-oauth", issued: time.Unix(1_700_000_000, 5)}
			tc.change(&o)
			s := judge(o, v1alpha1.OAuthClientStatus{})
			for _, err := range condcheck.Check(3, s.ObservedGeneration, s.Conditions) {
				t.Error(err)
			}
			ready := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady)
			if ready.Status != tc.status || ready.Reason != tc.reason {
				t.Errorf("Ready is %s %s", ready.Status, ready.Reason)
			}
			for _, kind := range []string{"Reconciling", "Stalled"} {
				if there := meta.FindStatusCondition(s.Conditions, kind) != nil; there != (kind == tc.progress) {
					t.Errorf("%s is there: %v", kind, there)
				}
			}
			if got := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionScopesGranted).Reason; got != tc.scopes {
				t.Errorf("ScopesGranted is %s, want %s", got, tc.scopes)
			}
			later := o
			later.now = metav1.NewTime(o.now.Add(time.Hour))
			if o.problem != nil && o.problem.liftable {
				s = judge(later, s)
				if !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionStalled) {
					t.Error("it waits for ever")
				}
			}
			if !sameStatus(judge(later, s), s) {
				t.Error("judging the same again is another status")
			}
		})
	}
}

func TestJudgeKeepsASettledStatusThroughAQuietProblem(t *testing.T) {
	now := metav1.NewTime(time.Unix(1_800_000_000, 0))
	settled := judge(observed{now: now, generation: 1, recorded: true, projected: true, scopesKnown: true}, v1alpha1.OAuthClientStatus{})
	quiet := &problem{reason: v1alpha1.ReasonServerNotReady, message: "the operator has just started", quiet: true}
	if got := judge(observed{now: now, generation: 1, problem: quiet}, settled); !sameStatus(got, settled) {
		t.Errorf("the status changed: %+v", got)
	}
	got := judge(observed{now: now, generation: 2, problem: quiet}, settled)
	if c := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady); c.Status != metav1.ConditionFalse || c.ObservedGeneration != 2 {
		t.Errorf("a new generation is passed over: %+v", c)
	}
}

func TestLongAnnotationFitsTheStatus(t *testing.T) {
	o := observed{recorded: true, handledRotate: strings.Repeat("ä", 300)}
	if got := []rune(judge(o, v1alpha1.OAuthClientStatus{}).HandledRotateSecret); len(got) != 256 {
		t.Errorf("%d characters", len(got))
	}
}
