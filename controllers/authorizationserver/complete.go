package authorizationserver

import (
	"context"
	"fmt"
	"strings"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/internal/status"
	"clientele.dev/clientele/controllers/registrar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// incompleteRetry is how soon an incomplete store is looked at again.
const incompleteRetry = time.Second

// maxNamed is how many of the missing objects a condition names.
const maxNamed = 3

// completeness is what keeps the server's store from being complete; zero: nothing.
type completeness struct {
	// missing are the objects that are still to be registered.
	missing []string
	// unmarked is why the server could not be told that nothing is missing.
	unmarked error
}

// complete marks the server's store as complete when nothing is missing there, and returns
// what keeps it from being complete. Until then the server answers 503 to client ids that
// it does not know (FIELD O20). The store id makes sure that the inventory, by which it was
// judged, is that store's.
func (r *Reconciler) complete(ctx context.Context, server *registrar.Server, s registrar.State) (completeness, error) {
	if !s.Synced || s.Err != nil || s.Complete {
		return completeness{}, nil
	}
	missing, err := r.Missing(ctx, server)
	if err != nil {
		return completeness{}, fmt.Errorf("list what is to be registered at AuthorizationServer %s: %w", server.Key(), err)
	}
	if len(missing) > 0 {
		return completeness{missing: missing}, nil
	}
	return completeness{unmarked: server.MarkComplete(ctx, s.StoreID)}, nil
}

// incomplete says that the store was judged and something is missing there.
func (o observed) incomplete() bool { return o.state.Synced && o.state.Err == nil && !o.state.Complete }

// judgeComplete sets or removes the condition StoreComplete. While the server does not
// answer, the condition stays as it is.
func judgeComplete(o observed, c *status.Conditions) {
	if !o.state.Synced || o.state.Err != nil {
		return
	}
	not := func(why string) {
		c.Set(v1alpha1.ConditionStoreComplete, metav1.ConditionFalse, v1alpha1.ReasonRegistering,
			"the server started with an empty store and answers 503 to client ids that it does not know: "+why)
	}
	switch {
	case len(o.store.missing) > 0:
		not(fmt.Sprintf("%d objects are not registered there yet (%s). If this does not end, see the status of these objects",
			len(o.store.missing), name(o.store.missing)))
	case o.store.unmarked != nil:
		not("everything is registered, but the server could not be told so: " + registrar.Explain(o.store.unmarked).Message)
	default:
		c.Remove(v1alpha1.ConditionStoreComplete)
	}
}

// name lists the first of some objects.
func name(objects []string) string {
	named := strings.Join(objects[:min(len(objects), maxNamed)], ", ")
	if more := len(objects) - maxNamed; more > 0 {
		named += fmt.Sprintf(" and %d others", more)
	}
	return named
}
