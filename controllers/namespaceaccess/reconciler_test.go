package namespaceaccess

import (
	"errors"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/condcheck"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestStatus(t *testing.T) {
	for _, tc := range []struct {
		name    string
		seen    observed
		status  metav1.ConditionStatus
		reason  string
		beside  string // the condition that is there beside Ready
		message string
	}{
		{"in force", observed{counted: true, server: true, namespaces: 3}, metav1.ConditionTrue, v1alpha1.ReasonInForce, "", ""},
		{"no server yet", observed{counted: true}, metav1.ConditionFalse, v1alpha1.ReasonServerNotFound, v1alpha1.ConditionReconciling, "AuthorizationServer system/second"},
		{"invalid selector", observed{counted: true, server: true, selector: errors.New("what is wrong")}, metav1.ConditionFalse, v1alpha1.ReasonSelectorInvalid, v1alpha1.ConditionStalled, "what is wrong"},
		{"elsewhere", observed{server: true}, metav1.ConditionFalse, v1alpha1.ReasonNamespaceNotWatched, v1alpha1.ConditionStalled, "--authorization-server-namespaces does not name namespace system"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := &v1alpha1.NamespaceAccess{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "a", Generation: 4}}
			o.Spec.ServerRef = &v1alpha1.LocalServerReference{Name: "second"}
			got := statusOf(o, tc.seen, time.Unix(1_800_000_000, 0))
			for _, err := range condcheck.Check(4, got.ObservedGeneration, got.Conditions) {
				t.Error(err)
			}
			ready := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady)
			if ready.Status != tc.status || ready.Reason != tc.reason || !strings.Contains(ready.Message, tc.message) || got.Namespaces != tc.seen.namespaces {
				t.Errorf("%+v, %d namespaces", ready, got.Namespaces)
			}
			if tc.beside != "" && meta.FindStatusCondition(got.Conditions, tc.beside) == nil {
				t.Errorf("%s is not there", tc.beside)
			}
		})
	}
}
