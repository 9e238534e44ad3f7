package authorizationserver

import (
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/condcheck"
	"clientele.dev/clientele/controllers/internal/pki"
	"clientele.dev/clientele/controllers/managed"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// managedServer is one of type Managed that was Ready, with what is observed when all is
// well: two Pods on PostgreSQL.
func managedServer(t *testing.T) (*v1alpha1.AuthorizationServer, *observed) {
	t.Helper()
	as := testServer()
	as.Spec.Type = v1alpha1.AuthorizationServerManaged
	as.Spec.Managed = &v1alpha1.ManagedServer{Storage: v1alpha1.ManagedStorage{Type: v1alpha1.StoragePostgres}}
	as.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonServing, LastTransitionTime: metav1.NewTime(epoch)}}
	o := fine(t)
	o.looked = true
	o.state.Storage = &oauth.StorageReport{State: oauth.StorageAvailable}
	o.managed = managed.State{
		Generation: as.Generation, Image: "image:1",
		Own:      pki.Verdict{Ready: true, Reason: v1alpha1.ReasonIssued, Message: "valid"},
		Workload: managed.Workload{Kind: "Deployment", Observed: true, Wanted: 2, Replicas: 2, Updated: 2, Ready: 2},
		Pods:     []managed.Pod{{Name: "a", Current: true, Ready: true}, {Name: "b", Current: true, Ready: true}},
	}
	return as, &o
}

// embedded makes it one Pod with an embedded store.
func embedded(as *v1alpha1.AuthorizationServer, o *observed) {
	as.Spec.Managed.Storage = v1alpha1.ManagedStorage{Type: v1alpha1.StorageEmbedded}
	o.managed.Workload = managed.Workload{Kind: "StatefulSet", Observed: true, Wanted: 1, Replicas: 1, Updated: 1, Ready: 1}
	o.managed.Pods = o.managed.Pods[:1]
}

func trouble(reason string) *managed.Problem {
	return &managed.Problem{Reason: reason, Message: "words"}
}

func TestJudgeManaged(t *testing.T) {
	const yes, no = metav1.ConditionTrue, metav1.ConditionFalse
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.AuthorizationServer, *observed)
		// ready is Ready with its reason; deployed, storage and certificate are reasons.
		ready                          metav1.ConditionStatus
		reason                         string
		certificate, storage, deployed string
		// progress is the reason of Reconciling; "stalled" that it is Stalled.
		progress string
		says     string
	}{
		{"all well", func(*v1alpha1.AuthorizationServer, *observed) {}, yes, "Serving", "Issued", "Available", "Available", "", ""},
		{"not looked at yet", func(as *v1alpha1.AuthorizationServer, o *observed) { o.looked, o.managed = false, managed.State{} },
			yes, "Serving", "Issuing", "StorageUnknown", "Progressing", "", ""},
		{"embedded in an emptyDir", embedded, yes, "Serving", "Issued", "Ephemeral", "Available", "", ""},

		{"certificate expired", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.Own = pki.Verdict{Reason: v1alpha1.ReasonExpired, Message: "words"}
			o.state.Err = registrar.ErrUnreachable
		}, no, "Expired", "Expired", "StorageUnknown", "Available", "Retrying", "words"},
		{"no cert-manager", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.CertificateProblem = trouble(v1alpha1.ReasonCertManagerMissing)
		}, no, "CertManagerMissing", "CertManagerMissing", "Available", "Available", "Retrying", "words"},
		{"connection string missing", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.StorageProblem = trouble(v1alpha1.ReasonSecretMissing)
			o.managed.Workload.Ready, o.managed.Pods = 0, nil
		}, no, "SecretMissing", "Issued", "SecretMissing", "Progressing", "Retrying", "words"},

		{"disk full", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.state.Storage = &oauth.StorageReport{State: oauth.StorageFull, Message: "words"}
		}, no, "Full", "Issued", "Full", "Available", "Retrying", "words"},
		{"disk almost full", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.state.Storage = &oauth.StorageReport{State: oauth.StorageAlmostFull, Message: "words"}
		}, yes, "Serving", "Issued", "AlmostFull", "Available", "", ""},
		{"a state of a newer server", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.state.Storage = &oauth.StorageReport{State: "Tired"}
		}, yes, "Serving", "Issued", "StorageUnknown", "Available", "", ""},
		{"a server that is too old to tell", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.state.Storage = nil },
			yes, "Serving", "Issued", "Available", "Available", "", ""},
		{"a report of before the server went away", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.state.Storage, o.state.Err = &oauth.StorageReport{State: oauth.StorageFull}, registrar.ErrUnreachable
		}, no, "ServerUnreachable", "Issued", "StorageUnknown", "Available", "Retrying", ""},
		{"last words about the storage", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.state.Err = registrar.ErrUnreachable
			o.managed.Workload.Ready = 0
			o.managed.Pods = []managed.Pod{{Current: true, Ended: true, ExitCode: 4, LastWords: "SchemaTooNew: words", Trouble: trouble(v1alpha1.ReasonCrashLooping)}}
		}, no, "SchemaTooNew", "Issued", "SchemaTooNew", "CrashLooping", "Retrying", "words"},
		{"volume that does not grow", func(as *v1alpha1.AuthorizationServer, o *observed) {
			embedded(as, o)
			o.managed.ClaimProblem = trouble(v1alpha1.ReasonInvalidPod)
		}, yes, "Serving", "Issued", "Ephemeral", "Available", "", ""},

		{"first start", func(as *v1alpha1.AuthorizationServer, o *observed) {
			as.Status.Conditions = nil
			o.managed.Workload.Ready, o.managed.Workload.Updated, o.managed.Pods = 0, 0, nil
			o.state.Err = registrar.ErrUnreachable
		}, no, "Progressing", "Issued", "StorageUnknown", "Progressing", "Progressing", "no Pod yet"},
		{"roll-out", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.Workload.Replicas, o.managed.Workload.Updated = 3, 1
			o.managed.Pods = []managed.Pod{{Ready: true}, {Ready: true}, {Current: true}}
		}, yes, "Serving", "Issued", "Available", "Available", "Progressing", "rolling out"},
		{"change that is not carried out yet", func(as *v1alpha1.AuthorizationServer, o *observed) { o.managed.Generation-- },
			yes, "Serving", "Issued", "Available", "Available", "Progressing", ""},
		{"counts of before the change", func(_ *v1alpha1.AuthorizationServer, o *observed) { o.managed.Workload.Observed = false },
			yes, "Serving", "Issued", "Available", "Available", "Progressing", ""},
		{"roll-out without image", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.Workload.Replicas, o.managed.Workload.Updated = 3, 1
			o.managed.Pods = []managed.Pod{{Ready: true}, {Ready: true}, {Current: true, Trouble: trouble(v1alpha1.ReasonImageUnavailable)}}
		}, no, "ImageUnavailable", "Issued", "Available", "ImageUnavailable", "Retrying", "2 of 2 Pods serve as before the change"},
		{"one of the new Pods has no node", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.Workload.Ready = 1
			o.managed.Pods[1] = managed.Pod{Current: true, Trouble: trouble(v1alpha1.ReasonUnschedulable)}
		}, yes, "Serving", "Issued", "Available", "Available", "Progressing", "1 of 2 Pods serve; words"},
		{"no node at all", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.Workload.Ready = 0
			o.managed.Pods = []managed.Pod{{Current: true}, {Current: true, Trouble: trouble(v1alpha1.ReasonUnschedulable)}}
		}, no, "Unschedulable", "Issued", "Available", "Unschedulable", "Retrying", "words"},
		{"a wait is no trouble of its own", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.Workload.Ready = 0
			o.managed.Pods = []managed.Pod{{Current: true, Trouble: trouble(v1alpha1.ReasonProgressing)}, {Current: true, Trouble: trouble(v1alpha1.ReasonCrashLooping)}}
		}, no, "CrashLooping", "Issued", "Available", "CrashLooping", "Retrying", ""},
		{"quota", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.Workload = managed.Workload{Kind: "Deployment", Observed: true, Wanted: 2, Refused: "exceeded quota"}
			o.managed.Pods = nil
		}, no, "AdmissionRefused", "Issued", "Available", "AdmissionRefused", "Retrying", "exceeded quota"},
		{"name taken", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed = managed.State{Generation: o.managed.Generation, Problem: trouble(v1alpha1.ReasonNameConflict)}
		}, no, "NameConflict", "Issuing", "Available", "NameConflict", "stalled", "words"},
		{"storage type changes", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.Workload = managed.Workload{Kind: "Deployment", Stopping: "StatefulSet"}
			o.managed.Pods = []managed.Pod{{}}
		}, no, "Progressing", "Issued", "Available", "Progressing", "Progressing", "the StatefulSet of the former storage type is being stopped"},

		{"embedded, a change is being carried out", func(as *v1alpha1.AuthorizationServer, o *observed) {
			embedded(as, o)
			o.managed.Generation--
			o.managed.UnsettledSince, o.state.Err = o.now, registrar.ErrUnreachable
		}, yes, "Serving", "Issued", "StorageUnknown", "Available", "Progressing", ""},
		{"embedded, the Pod is replaced", func(as *v1alpha1.AuthorizationServer, o *observed) {
			embedded(as, o)
			o.managed.Workload.Ready, o.managed.Pods[0].Ready = 0, false
			o.managed.UnsettledSince, o.state.Err = o.now.Add(-restartGrace+time.Second), registrar.ErrUnreachable
		}, yes, "Serving", "Issued", "StorageUnknown", "Progressing", "Progressing", ""},
		{"embedded, and was not Ready before", func(as *v1alpha1.AuthorizationServer, o *observed) {
			embedded(as, o)
			as.Status.Conditions[0].Status = no
			o.managed.Workload.Ready, o.managed.Pods[0].Ready = 0, false
			o.managed.UnsettledSince, o.state.Err = o.now, registrar.ErrUnreachable
		}, no, "Progressing", "Issued", "StorageUnknown", "Progressing", "Progressing", ""},
		{"embedded, that takes too long", func(as *v1alpha1.AuthorizationServer, o *observed) {
			embedded(as, o)
			o.managed.Workload.Ready, o.managed.Pods[0].Ready = 0, false
			o.managed.UnsettledSince = o.now.Add(-restartGrace)
		}, no, "Progressing", "Issued", "Ephemeral", "Progressing", "Progressing", ""},
		{"embedded, the new Pod fails", func(as *v1alpha1.AuthorizationServer, o *observed) {
			embedded(as, o)
			o.managed.Workload.Ready, o.managed.Pods[0].Ready, o.managed.Pods[0].Ended = 0, false, true
			o.managed.UnsettledSince = o.now.Add(-time.Second)
		}, no, "Progressing", "Issued", "Ephemeral", "Progressing", "Progressing", ""},
		{"embedded, the operator has not found the new Pod yet", func(as *v1alpha1.AuthorizationServer, o *observed) {
			embedded(as, o)
			o.managed.SettledAt, o.state.Err = o.now.Add(-reconnectGrace+time.Second), registrar.ErrUnreachable
		}, yes, "Serving", "Issued", "StorageUnknown", "Available", "Progressing", ""},
		{"embedded, the operator does not find it", func(as *v1alpha1.AuthorizationServer, o *observed) {
			embedded(as, o)
			o.managed.SettledAt, o.state.Err = o.now.Add(-reconnectGrace), registrar.ErrUnreachable
		}, no, "ServerUnreachable", "Issued", "StorageUnknown", "Available", "Retrying", ""},
		{"PostgreSQL has no such grace", func(_ *v1alpha1.AuthorizationServer, o *observed) {
			o.managed.SettledAt, o.state.Err = o.now, registrar.ErrUnreachable
		}, no, "ServerUnreachable", "Issued", "StorageUnknown", "Available", "Retrying", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			as, o := managedServer(t)
			tc.change(as, o)
			next := judge(as, *o)
			if errs := condcheck.Check(as.Generation, next.ObservedGeneration, next.Conditions); len(errs) > 0 {
				t.Error(errs)
			}
			reasonOf := func(kind string) string {
				if c := meta.FindStatusCondition(next.Conditions, kind); c != nil {
					return c.Reason
				}
				return ""
			}
			ready := meta.FindStatusCondition(next.Conditions, v1alpha1.ConditionReady)
			if ready.Status != tc.ready || ready.Reason != tc.reason || !strings.Contains(ready.Message, tc.says) {
				t.Errorf("Ready is %s, %s: %s", ready.Status, ready.Reason, ready.Message)
			}
			for kind, want := range map[string]string{
				v1alpha1.ConditionCertificateReady: tc.certificate, v1alpha1.ConditionStorageReady: tc.storage, v1alpha1.ConditionDeployed: tc.deployed,
			} {
				if got := reasonOf(kind); got != want {
					t.Errorf("%s: %s, want %s", kind, got, want)
				}
			}
			progress := reasonOf(v1alpha1.ConditionReconciling)
			if reasonOf(v1alpha1.ConditionStalled) != "" {
				progress = "stalled"
			}
			if progress != tc.progress {
				t.Errorf("progress: %q, want %q", progress, tc.progress)
			}
		})
	}
}

// What only Managed servers have goes when the type changes.
func TestJudgeNoLongerManaged(t *testing.T) {
	as, o := managedServer(t)
	as.Status = judge(as, *o)
	if as.Status.Managed == nil || as.Status.Managed.Image != "image:1" || as.Status.Managed.ReadyReplicas != 2 {
		t.Errorf("%+v", as.Status.Managed)
	}
	as.Spec.Type, as.Spec.Managed = v1alpha1.AuthorizationServerUnmanaged, nil
	o.looked, o.managed = false, managed.State{}
	next := judge(as, *o)
	if next.Managed != nil {
		t.Errorf("%+v", next.Managed)
	}
	for _, c := range managedConditions {
		if meta.FindStatusCondition(next.Conditions, c) != nil {
			t.Errorf("%s stays", c)
		}
	}
}
