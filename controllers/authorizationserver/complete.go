package authorizationserver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// incompleteRetry is how soon an incomplete store is looked at again.
const incompleteRetry = time.Second

// maxNamed is how many of the missing objects a condition names.
const maxNamed = 3

// complete marks the server's store as complete when nothing is missing there, and returns
// what is. Until then the server answers 503 to client ids that it does not know (FIELD
// O20). The store id makes sure that the inventory, by which it was judged, is that store's.
func (r *Reconciler) complete(ctx context.Context, server *registrar.Server, s registrar.State) ([]string, error) {
	if !s.Synced || s.Err != nil || s.Complete {
		return nil, nil
	}
	missing, err := r.Missing(ctx, server)
	if err != nil {
		return nil, fmt.Errorf("list what is to be registered at AuthorizationServer %s: %w", server.Key(), err)
	}
	if len(missing) > 0 {
		return missing, nil
	}
	if err := server.MarkComplete(ctx, s.StoreID); err != nil {
		log.FromContext(ctx).Info("the store cannot be marked as complete yet", "reason", err.Error())
	}
	return nil, nil
}

// incomplete says that the store was judged and something is missing there.
func (o observed) incomplete() bool { return o.state.Synced && o.state.Err == nil && !o.state.Complete }

// judgeComplete tells what is missing at the server's store.
func judgeComplete(missing []string) verdict {
	named := strings.Join(missing[:min(len(missing), maxNamed)], ", ")
	if more := len(missing) - maxNamed; more > 0 {
		named += fmt.Sprintf(" and %d others", more)
	}
	return verdict{metav1.ConditionFalse, v1alpha1.ReasonRegistering, fmt.Sprintf(
		"the server began with an empty store, and %d objects are still to be registered there: %s. Until then it answers 503 to clients that it does not know. If this stays, see the status of these objects", len(missing), named), false}
}
