package authorizationserver

import (
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestO20StoreCompleteSaysWhatIsMissing: the condition is there until the server knows that
// nothing is missing, and does not come and go with the server's connection.
func TestO20StoreCompleteSaysWhatIsMissing(t *testing.T) {
	there := []metav1.Condition{{Type: v1alpha1.ConditionStoreComplete, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonRegistering, Message: "as before"}}
	for _, tc := range []struct {
		name  string
		state registrar.State
		store completeness
		words string // empty: the condition is not there
	}{
		{"one is missing", registrar.State{Synced: true}, completeness{missing: []string{"shop/a"}}, "not registered there yet (shop/a)"},
		{"many are missing", registrar.State{Synced: true}, completeness{missing: []string{"a/1", "a/2", "a/3", "a/4", "a/5"}}, "a/1, a/2, a/3 and 2 others"},
		{"the server does not take the mark", registrar.State{Synced: true}, completeness{unmarked: registrar.ErrGarbage}, "could not be told so: the server's answer is not one of this protocol"},
		{"the server is away", registrar.State{Synced: true, Err: registrar.ErrUnreachable}, completeness{}, "as before"},
		{"not read yet", registrar.State{}, completeness{}, "as before"},
		{"complete", registrar.State{Synced: true, Complete: true}, completeness{}, ""},
	} {
		c := status.NewConditions(there, 1, metav1.NewTime(time.Unix(1, 0)))
		judgeComplete(observed{state: tc.state, store: tc.store}, c)
		got := meta.FindStatusCondition(c.List(), v1alpha1.ConditionStoreComplete)
		if (got != nil) != (tc.words != "") || got != nil && !strings.Contains(got.Message, tc.words) {
			t.Errorf("%s: %+v", tc.name, got)
		}
	}
}
