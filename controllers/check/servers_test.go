package check

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"clientele.dev/clientele/api/v1alpha1"
)

// unwatched is an AuthorizationServer that no operator looks at: the test says what one
// would have said.
func (w *world) unwatched(t *testing.T, conditions ...metav1.Condition) *v1alpha1.AuthorizationServer {
	t.Helper()
	w.lease(t, "op", time.Now())
	w.issuer = "https://localhost:1" // nothing listens
	as := w.authorizationServer()
	w.create(t, as)
	w.says(t, as, conditions...)
	return as
}

// says writes an AuthorizationServer's conditions.
func (w *world) says(t *testing.T, as *v1alpha1.AuthorizationServer, conditions ...metav1.Condition) {
	t.Helper()
	changeStatus(t, w, as, func(as *v1alpha1.AuthorizationServer) {
		as.Status.ObservedGeneration = as.Generation
		as.Status.Conditions = conditions
	})
}

func said(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.Now()}
}

const describeDefault = "do: kubectl -n clientele-system describe authorizationserver default"

// What the operator says of an AuthorizationServer is passed on, with its own words.
func TestWhatTheOperatorSaysIsPassedOn(t *testing.T) {
	w := newWorld(t)
	as := w.unwatched(t)
	serving := said(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing, "")
	reachable := said(v1alpha1.ConditionServerReachable, metav1.ConditionTrue, v1alpha1.ReasonReachable, "")
	for name, c := range map[string]struct {
		conditions []metav1.Condition
		level      level
		says       []string
	}{
		"nothing":  {nil, fail, []string{"AuthorizationServer clientele-system/default - no operator has looked at it yet; do: kubectl -n clientele-system logs deployment/clientele-operator --tail=50"}},
		"Full":     {[]metav1.Condition{said(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonFull, "the volume is full"), reachable}, fail, []string{"AuthorizationServer clientele-system/default - it is not Ready: Full: the volume is full; " + describeDefault}},
		"serving":  {[]metav1.Condition{serving, reachable}, ok, []string{"AuthorizationServer clientele-system/default - Ready, issuer https://localhost:1"}},
		"paused":   {[]metav1.Condition{serving, reachable, said(v1alpha1.ConditionDeregistrationPaused, metav1.ConditionTrue, v1alpha1.ReasonTooManyDeletions, "12 clients are gone")}, warn, []string{"DeregistrationPaused is True: TooManyDeletions: 12 clients are gone; " + describeDefault}},
		"rolling":  {[]metav1.Condition{serving, reachable, said(v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonProgressing, "1 of 2")}, warn, []string{"Reconciling is True: Progressing: 1 of 2"}},
		"users":    {[]metav1.Condition{serving, reachable, said(v1alpha1.ConditionUsersReady, metav1.ConditionFalse, v1alpha1.ReasonUsersSecretMissing, "no Secret")}, warn, []string{"UsersReady is False: SecretMissing: no Secret"}},
		"storage":  {[]metav1.Condition{serving, reachable, said(v1alpha1.ConditionStorageReady, metav1.ConditionTrue, v1alpha1.ReasonAlmostFull, "5 % left")}, warn, []string{"StorageReady is True: AlmostFull: 5 % left"}},
		"no-man's": {[]metav1.Condition{said(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotWatched, "another operator's")}, warn, []string{"AuthorizationServer clientele-system/default - another operator's; " + describeDefault}},
	} {
		t.Run(name, func(t *testing.T) {
			w.says(t, as, c.conditions...)
			w.check(t, w.caller).has(t, checkServers, c.level, c.says...)
		})
	}
}

// An operator that lags behind is noticed: what it said is of an older spec.
func TestAChangeThatTheOperatorHasNotSeen(t *testing.T) {
	w := newWorld(t)
	as := w.unwatched(t, said(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonServing, ""))
	change(t, w, as, func(as *v1alpha1.AuthorizationServer) { as.Spec.DefaultResource = "https://api.example" })
	w.check(t, w.caller).has(t, checkServers, warn, "the operator has not looked at its last change yet; "+describeDefault)
}

func TestNoAuthorizationServer(t *testing.T) {
	w := newWorld(t)
	w.lease(t, "op", time.Now())
	o := w.check(t, w.caller)
	o.fails(t, exitFailed, checkServers)
	o.has(t, checkServers, fail, "AuthorizationServers - there is none", "do: kubectl -n clientele-system get jobs,events")
	w.check(t, w.caller, "--authorization-server", "shop/auth").has(t, checkServers, fail, "AuthorizationServer shop/auth - it does not exist; do: kubectl get authorizationservers -A")
}
