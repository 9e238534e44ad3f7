package authorizationserver

import (
	"fmt"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/notice"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// toldConditions are the conditions whose failures are told in events. Ready has the
// reasons of the conditions that it depends on.
var toldConditions = []notice.Condition{
	{Type: v1alpha1.ConditionReady, Action: "Serve", Bad: metav1.ConditionFalse, Fine: []string{v1alpha1.ReasonProgressing, v1alpha1.ReasonIssuing}},
	{Type: v1alpha1.ConditionUsersReady, Action: "ReadUsers", Bad: metav1.ConditionFalse},
	{Type: v1alpha1.ConditionDeregistrationPaused, Action: "Deregister", Bad: metav1.ConditionTrue},
}

// tell has events tell of what changed with the status.
func (r *Reconciler) tell(as *v1alpha1.AuthorizationServer, next v1alpha1.AuthorizationServerStatus) {
	r.board.Changed(as, as.Status.Conditions, next.Conditions)
	if before := as.Status.StoreID; before != "" && next.StoreID != before {
		r.board.Tell(as, notice.Notice{
			Type: corev1.EventTypeWarning, Reason: v1alpha1.ReasonStoreLost, Action: "Register",
			Note: fmt.Sprintf("the server answers from another store than before (%s, it was %s); what it does not hold of %d clients and %d policies is registered there again, with the same ids and secrets",
				next.StoreID, before, as.Status.Clients, as.Status.Policies),
		})
	}
}
