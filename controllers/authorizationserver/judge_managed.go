package authorizationserver

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/pki"
	"clientele.dev/clientele/controllers/managed"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The replacement of an only Pod does not count as an outage for restartGrace, nor that
// the operator has not found the new one for reconnectGrace after that.
const (
	restartGrace   = 30 * time.Second
	reconnectGrace = 15 * time.Second
)

// managedConditions are those that only Managed servers have.
var managedConditions = []string{v1alpha1.ConditionCertificateReady, v1alpha1.ConditionStorageReady, v1alpha1.ConditionDeployed}

// notLooked is about a server whose objects have not been looked at since the operator
// started.
func notLooked(reason string) verdict {
	return verdict{metav1.ConditionUnknown, reason, "the operator has not looked at it yet", false}
}

// judgeCertificate says whether the server has its certificates.
func judgeCertificate(o observed) verdict {
	s := o.managed
	switch {
	case !o.looked:
		return notLooked(v1alpha1.ReasonIssuing)
	case s.CertificateProblem != nil:
		return verdict{metav1.ConditionFalse, s.CertificateProblem.Reason, s.CertificateProblem.Message, false}
	case s.Own.Reason == "":
		// The problem that kept the certificates from being looked at is told by Deployed.
		return verdict{metav1.ConditionUnknown, v1alpha1.ReasonIssuing, "the certificates wait for another object of the server", false}
	}
	v := pki.Join(s.Own, s.Public)
	if v.Ready {
		return verdict{metav1.ConditionTrue, v.Reason, v.Message, false}
	}
	return verdict{metav1.ConditionFalse, v.Reason, v.Message, false}
}

// judgeStorage says whether the server can use its store.
func judgeStorage(as *v1alpha1.AuthorizationServer, o observed) verdict {
	v := judgeStore(as, o)
	if p := o.managed.ClaimProblem; p != nil && v.status != metav1.ConditionUnknown {
		v.message += ". The volume stays as it is: " + p.Message
	}
	return v
}

// judgeStore is judgeStorage without the volume.
func judgeStore(as *v1alpha1.AuthorizationServer, o observed) verdict {
	switch {
	case !o.looked:
		return notLooked(v1alpha1.ReasonStorageUnknown)
	case o.managed.StorageProblem != nil:
		return verdict{metav1.ConditionFalse, o.managed.StorageProblem.Reason, o.managed.StorageProblem.Message, false}
	}
	report := storageReport(o)
	if report == nil {
		return verdict{metav1.ConditionUnknown, v1alpha1.ReasonStorageUnknown, "no server has told yet", false}
	}
	known, ok := storageStates[report.State]
	switch {
	case !ok: // of a newer server
		return verdict{metav1.ConditionUnknown, v1alpha1.ReasonStorageUnknown, clean(report.String()), false}
	case report.State != oauth.StorageAvailable:
		known.message = clean(cmp.Or(report.Message, report.String()))
	case ephemeral(as.Spec.Managed):
		known.reason = v1alpha1.ReasonEphemeral
		known.message = "the store is in an emptyDir: when the Pod is replaced, people have to sign in again and clients that registered themselves are lost; OAuthClients keep their ids and secrets. Set spec.managed.storage to keep them"
	default:
		known.message = "the server reads and writes its store"
	}
	return known
}

// storageStates are the server's words in the API's vocabulary.
var storageStates = map[oauth.StorageState]verdict{
	oauth.StorageAvailable:     {status: metav1.ConditionTrue, reason: v1alpha1.ReasonAvailable},
	oauth.StorageAlmostFull:    {status: metav1.ConditionTrue, reason: v1alpha1.ReasonAlmostFull},
	oauth.StorageRestartNeeded: {status: metav1.ConditionTrue, reason: v1alpha1.ReasonRestartNeeded},
	oauth.StorageFull:          {status: metav1.ConditionFalse, reason: v1alpha1.ReasonFull},
	oauth.StorageUnreachable:   {status: metav1.ConditionFalse, reason: v1alpha1.ReasonUnreachable},
	oauth.StorageRefused:       {status: metav1.ConditionFalse, reason: v1alpha1.ReasonRefused},
	oauth.StorageSchemaTooNew:  {status: metav1.ConditionFalse, reason: v1alpha1.ReasonSchemaTooNew},
}

// storageReport is what a server says of its store: one that answers, or else one that
// ended because of it; nil: none has. That a server too old to say anything answers means
// that it read its store.
func storageReport(o observed) *oauth.StorageReport {
	switch {
	case o.state.Err == nil && o.state.Storage != nil:
		return o.state.Storage
	case o.state.Err == nil && o.state.Synced:
		return &oauth.StorageReport{State: oauth.StorageAvailable}
	}
	for _, pod := range o.managed.Pods {
		if pod.Current && !pod.Ready && pod.Ended {
			if last := oauth.ParseStorageReport(pod.LastWords); last != nil {
				return last
			}
		}
	}
	return nil
}

// ephemeral says that the store is lost with the Pod.
func ephemeral(m *v1alpha1.ManagedServer) bool {
	return m.Storage.Type != v1alpha1.StoragePostgres && (m.Storage.Embedded == nil || m.Storage.Embedded.VolumeClaim == nil)
}

// judgeDeployed says whether the Pods run as the spec says. The flag: they are being
// replaced, or made, while others serve.
func judgeDeployed(as *v1alpha1.AuthorizationServer, o observed) (verdict, bool) {
	s, w := o.managed, o.managed.Workload
	no := func(reason, message string) (verdict, bool) {
		stalled := reason == v1alpha1.ReasonNameConflict || reason == v1alpha1.ReasonInvalidPod
		return verdict{metav1.ConditionFalse, reason, message, stalled}, false
	}
	yes := func(message string, rollingOut bool) (verdict, bool) {
		return verdict{metav1.ConditionTrue, v1alpha1.ReasonAvailable, message, false}, rollingOut
	}
	serve := fmt.Sprintf("%d of %d Pods serve", w.Ready, w.Wanted)
	upToDate := s.Generation == as.Generation
	current, trouble := currentPods(s)
	switch {
	case !o.looked:
		return notLooked(v1alpha1.ReasonProgressing), false
	case s.Problem != nil:
		return no(s.Problem.Reason, s.Problem.Message)
	case w.Stopping != "":
		return no(v1alpha1.ReasonProgressing, fmt.Sprintf("the %s of the former storage type is being stopped; a %s takes its place", w.Stopping, w.Kind))
	case upToDate && w.Complete():
		return yes(serve, false)
	case current == 0 && trouble != nil && w.Ready > 0:
		return no(trouble.Reason, fmt.Sprintf("the roll-out does not go on: %s; %s as before the change", trouble.Message, serve))
	case current == 0 && trouble != nil:
		return no(trouble.Reason, trouble.Message)
	case w.Ready == 0:
		return no(v1alpha1.ReasonProgressing, waitsFor(s, w))
	case trouble != nil:
		return yes(fmt.Sprintf("%s; %s", serve, trouble.Message), true)
	}
	return yes(fmt.Sprintf("rolling out: %s, %d of %d are as the spec says", serve, w.Updated, w.Wanted), true)
}

// currentPods counts the ready Pods of the present template, and finds what keeps others
// of it from being made or getting ready.
func currentPods(s managed.State) (ready int, trouble *managed.Problem) {
	for _, pod := range s.Pods {
		switch {
		case !pod.Current:
		case pod.Ready:
			ready++
		case trouble == nil || trouble.Reason == v1alpha1.ReasonProgressing:
			trouble = pod.Trouble
		}
	}
	if trouble == nil && s.Workload.Refused != "" {
		trouble = &managed.Problem{Reason: v1alpha1.ReasonAdmissionRefused, Message: "no Pod can be made: " + s.Workload.Refused}
	}
	return ready, trouble
}

// waitsFor says what a server without a ready Pod is about.
func waitsFor(s managed.State, w managed.Workload) string {
	if len(s.Pods) == 0 {
		return fmt.Sprintf("the %s has no Pod yet", w.Kind)
	}
	return fmt.Sprintf("no Pod of the %s is ready yet", w.Kind)
}

// restarting says that the only Pod of a server with an embedded store is being replaced,
// which is no outage as long as that is quick and the new one does not fail.
func restarting(as *v1alpha1.AuthorizationServer, o observed, v verdicts) bool {
	if as.Spec.Type != v1alpha1.AuthorizationServerManaged || as.Spec.Managed.Storage.Type == v1alpha1.StoragePostgres {
		return false
	}
	away := v.deployed.status == metav1.ConditionFalse && v.deployed.reason == v1alpha1.ReasonProgressing ||
		v.deployed.status == metav1.ConditionTrue && v.reachable.reason == v1alpha1.ReasonServerUnreachable
	failed := o.managed.Problem != nil || slices.ContainsFunc(o.managed.Pods, func(p managed.Pod) bool { return p.Ended && p.Current })
	return away && !failed && graceLeft(o) > 0 && v.signing.status == metav1.ConditionTrue && wasReady(as)
}

// graceLeft is for how long a replacement that goes on, or has just ended, does not count
// as an outage.
func graceLeft(o observed) time.Duration {
	switch s := o.managed; {
	case !s.UnsettledSince.IsZero():
		return restartGrace - o.now.Sub(s.UnsettledSince)
	case !s.SettledAt.IsZero():
		return reconnectGrace - o.now.Sub(s.SettledAt)
	}
	return 0
}

func wasReady(as *v1alpha1.AuthorizationServer) bool {
	return slices.ContainsFunc(as.Status.Conditions, func(c metav1.Condition) bool {
		return c.Type == v1alpha1.ConditionReady && c.Status == metav1.ConditionTrue
	})
}

// describeManaged fills in status.managed.
func describeManaged(next *v1alpha1.AuthorizationServerStatus, o observed) {
	if !o.looked {
		return
	}
	s := o.managed
	m := &v1alpha1.ManagedServerStatus{
		Image: s.Image, Replicas: s.Workload.Replicas, ReadyReplicas: s.Workload.Ready, UpdatedReplicas: s.Workload.Updated,
		CertificateExpires: timeOf(s.CertificateExpires), CAExpires: timeOf(s.CAExpires),
	}
	m.Version = o.state.Version
	if m.Version == "" && next.Managed != nil {
		m.Version = next.Managed.Version
	}
	next.Managed = m
}

// timeOf is t as the API keeps it; nil: none.
func timeOf(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return seconds(&t)
}
